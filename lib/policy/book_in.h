/* book_in.h - what the parts of book.h share. */
#ifndef POLICY_BOOK_IN_H
#define POLICY_BOOK_IN_H

#include "policy/book.h"
#include "store/channel.h"
#include "store/grp.h"
#include "store/limit.h"
#include "store/model.h"

/* What a book is made of, as it is stored. */
struct book_stored {
	struct channel_all channels;
	struct price *prices;
	struct grp *groups;
	struct model_setting *settings;
	struct fallback *fallbacks;
	struct limit *limits;
	int n_prices, n_groups, n_settings, n_fallbacks, n_limits;
	int64_t now_ms; /* wall time */
};

/* A pattern that channels have among their models. */
struct book_pattern {
	struct pattern *p;
	const char *text;
	int n_rows; /* of channel_all.models that have it */
};

/* A key that was opened: opening is slow, and most keys stay as they are. */
struct book_opened {
	int64_t id;
	struct str sealed;
	const char *origin, *secret;
};

/* What channels are made with. */
struct book_maker {
	const struct box_key *secret;
	const struct conf *conf;
	const struct book *old; /* NULL: none */
	bool closed;            /* keys count without being opened */
};

void book_channels(struct book *b, const struct book_maker *how,
		   const struct channel_all *all);
/* After the channels: models with their seats and settings, but without
 * prices. */
void book_models(struct book *b, const struct book_stored *all,
		 struct arena *scratch);
void book_patterns_free(struct book *b);

#endif
