/* ward.c - see ward.h. */
#include "ward.h"

#include "loop.h"

#include "base/clock.h"
#include "base/log.h"
#include "dialect/scrub.h"
#include "store/channel.h"
#include "store/ward.h"

struct disable {
	struct write_op op;
	struct loop *loop;
	struct ward ward;
	char channel[CHANNEL_NAME_MAX + 1], reason[SCRUB_SIZE + 16];
};

static int run(struct db *db, struct write_op *op, struct err *e)
{
	struct disable *d = OWNER(op, struct disable, op);

	return ward_put(db, &d->ward, clock_wall_ms(), e);
}

static void done(struct write_op *op)
{
	struct disable *d = OWNER(op, struct disable, op);

	if (op->err.code)
		log_error("channel.disable", LOG_S("channel", d->channel),
			  LOG_S("cause", op->err.msg));
	else if (d->ward.changed) {
		shared_count(d->loop->slot, SHARED_disabled, 1);
		log_warn("channel.disabled", LOG_S("channel", d->channel),
			 LOG_I("key", d->ward.key_id),
			 LOG_I("whole", d->ward.whole),
			 LOG_S("reason", d->reason));
	}
	free(d);
}

void ward_disable(struct loop *l, const struct relay_outcome *o)
{
	struct disable *d = mem_alloc(sizeof(*d));
	char words[SCRUB_SIZE];

	scrub_words(str_of(o->words), words, sizeof(words));
	snprintf(d->reason, sizeof(d->reason), "%d%s%s", o->status,
		 *words ? ": " : "", words);
	snprintf(d->channel, sizeof(d->channel), "%s", o->to->channel->name);
	d->loop = l;
	d->ward = (struct ward){ .channel_id = o->to->channel->id,
				 .key_id = o->to->key->id,
				 .reason = d->reason,
				 .probe_ms =
					 clock_wall_ms() + l->conf->probe_ms };
	d->op = (struct write_op){ .run = run, .done = done };
	writer_put(l->writer, &d->op);
}
