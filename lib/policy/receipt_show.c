/* receipt_show.c - a receipt as JSON and as text; see receipt.h. */
#include "policy/receipt.h"

#include "base/clock.h"
#include "base/nusd.h"
#include "policy/book.h"
#include "store/price.h"
#include "store/request.h"
#include "json/js.h"
#include "json/jw.h"

/* --- both --------------------------------------------------------------------- */

static const char *what_is(const char *name)
{
	enum line line = line_named(str_of(name));

	return line == LINE_none ? "what had been delivered when its worker "
				   "died" :
				   line_info(line)->what;
}

/* " / 1M tokens", " each" */
static void text_unit(struct buf *out, const char *name)
{
	enum line line = line_named(str_of(name));

	if (line == LINE_none)
		return;
	buf_str(out, line_unit(line)->per == 1 ? " " : " / ");
	buf_str(out, line_unit(line)->each);
}

/* 800000 is 0.8. */
static const char *factor_text(int64_t ppm, char at[static NUSD_TEXT])
{
	size_t n = (size_t)snprintf(at, NUSD_TEXT, "%lld.%06lld",
				    (long long)(ppm / 1000000),
				    (long long)(ppm % 1000000));

	while (at[n - 1] == '0')
		at[--n] = '\0';
	if (at[n - 1] == '.')
		at[n - 1] = '\0';
	return at;
}

static int64_t paid_nusd(const struct request *row)
{
	return row->cost_nusd - row->refunded_nusd;
}

/* --- JSON ----------------------------------------------------------------------- */

/* An integer and the same in dollars, as a text: no reader's floats matter. */
static void put_money(struct jw *w, const char *name, int64_t nusd)
{
	char member[40], text[NUSD_TEXT];

	snprintf(member, sizeof(member), "%s_nusd", name);
	jw_int(w, member, nusd);
	snprintf(member, sizeof(member), "%s_usd", name);
	jw_str(w, member, nusd_text(nusd, text));
}

static void put_time(struct jw *w, const char *name, int64_t ms)
{
	char text[CLOCK_TEXT];

	jw_str(w, name, ms ? clock_text(ms, text) : NULL);
}

static void put_word(struct jw *w, const char *name, const char *s)
{
	jw_str(w, name, *s ? s : NULL);
}

/* What was stored as JSON, or null. */
static void put_stored(struct jw *w, const char *name, const char *text)
{
	struct err e = { 0 };
	struct json_object *o = *text ? js_parse(text, strlen(text), &e) : NULL;

	if (o)
		jw_raw(w, name, str_of(text));
	else
		put_word(w, name, text);
	js_free(o);
}

static void put_lines(struct jw *w, const struct receipt *r)
{
	jw_array(w, "lines");
	for (int i = 0; i < r->n_lines; i++) {
		const struct receipt_line *l = &r->lines[i];

		jw_object(w, NULL);
		jw_str(w, "line", l->line);
		jw_str(w, "what", what_is(l->line));
		put_word(w, "variant", l->variant);
		jw_int(w, "from_tok", l->from_tok);
		jw_int(w, "count", l->count);
		put_money(w, "price", l->price_nusd);
		jw_int(w, "per", l->per);
		jw_int(w, "tier_ppm", l->tier_ppm);
		jw_int(w, "factor_ppm", l->factor_ppm);
		jw_int(w, "price_id", r->row->price_id);
		put_money(w, "amount", l->amount_nusd);
		jw_end(w);
	}
	jw_end(w);
}

static void put_attempts(struct jw *w, const struct receipt *r,
			 bool for_operator)
{
	jw_array(w, "attempts");
	for (int i = 0; i < r->n_attempts; i++) {
		const struct receipt_attempt *a = &r->attempts[i];
		bool last = i == r->n_attempts - 1;

		jw_object(w, NULL);
		jw_int(w, "attempt", i + 1);
		jw_str(w, "outcome", *a->error ? a->error : "answered");
		jw_int(w, "status", a->status);
		jw_int(w, "ms", a->ms);
		/* What failed before the last cost nothing. */
		jw_int(w, "amount_nusd", last ? r->row->cost_nusd : 0);
		if (for_operator)
			jw_str(w, "channel", a->channel);
		jw_end(w);
	}
	jw_end(w);
}

static void put_usage(struct jw *w, const struct request *row)
{
	jw_object(w, "usage");
	jw_int(w, "prompt_tokens", row->prompt_tok);
	jw_int(w, "cached_tokens", row->cached_tok);
	jw_int(w, "completion_tokens", row->completion_tok);
	jw_int(w, "reasoning_tokens", row->reasoning_tok);
	put_word(w, "source", row->source);
	put_word(w, "flag", row->usage_flag);
	put_stored(w, "counts", row->usage);
	put_stored(w, "upstream", row->usage_raw);
	jw_end(w);
}

static void put_price(struct jw *w, const struct receipt *r)
{
	if (!r->row->price_id) {
		jw_null(w, "price");
		return;
	}
	jw_object(w, "price");
	jw_int(w, "id", r->row->price_id);
	put_time(w, "since", r->price_from_ms);
	jw_end(w);
}

static void put_group(struct jw *w, const struct request *row)
{
	jw_object(w, "group");
	put_word(w, "name", row->group);
	jw_int(w, "factor_ppm", row->factor_ppm);
	jw_end(w);
}

static void put_operator(struct jw *w, const struct request *row)
{
	jw_object(w, "operator");
	jw_str(w, "user", row->user);
	jw_str(w, "key", row->token);
	jw_str(w, "channel", row->channel);
	jw_str(w, "provider", row->provider);
	put_money(w, "upstream", row->upstream_nusd);
	jw_int(w, "txn_id", row->txn_id);
	jw_int(w, "refund_txn_id", row->refund_txn_id);
	jw_end(w);
}

void receipt_json(const struct receipt *r, bool for_operator, struct buf *out)
{
	const struct request *row = r->row;
	struct jw w;

	jw_start(&w, out);
	jw_object(&w, NULL);
	jw_str(&w, "id", row->request_id);
	jw_str(&w, "object", "receipt");
	jw_str(&w, "state", row->state);
	jw_str(&w, "endpoint", row->endpoint);
	put_word(&w, "model", row->model_asked);
	put_word(&w, "model_served", row->model_served);
	jw_bool(&w, "stream", row->stream);
	jw_int(&w, "status", row->status);
	put_word(&w, "error", row->error);
	put_time(&w, "started", row->started_ms);
	jw_int(&w, "first_token_ms", row->first_token_ms);
	jw_int(&w, "total_ms", row->total_ms);
	put_money(&w, "amount", row->cost_nusd);
	put_money(&w, "refunded", row->refunded_nusd);
	put_money(&w, "paid", paid_nusd(row));
	put_lines(&w, r);
	put_money(&w, "lines_sum", r->sum_nusd);
	jw_bool(&w, "adds_up", r->adds_up);
	put_price(&w, r);
	put_group(&w, row);
	put_word(&w, "service_tier", row->service_tier);
	put_money(&w, "reserved", row->reserved_nusd);
	jw_bool(&w, "overshoot", row->overshoot);
	jw_bool(&w, "stopped_by_budget", row->stopped);
	put_attempts(&w, r, for_operator);
	put_usage(&w, row);
	if (for_operator)
		put_operator(&w, row);
	jw_end(&w);
}

/* --- text ------------------------------------------------------------------------- */

/* "  name        " and the text. */
static void field(struct buf *out, const char *name, const char *text)
{
	if (*text)
		buf_printf(out, "%-12s %s\n", name, text);
}

static void text_head(const struct receipt *r, struct buf *out)
{
	const struct request *row = r->row;
	char at[CLOCK_TEXT], factor[NUSD_TEXT];

	field(out, "receipt", row->request_id);
	field(out, "state", row->state);
	field(out, "model", row->model_asked);
	if (strcmp(row->model_served, row->model_asked) != 0)
		field(out, "served by", row->model_served);
	field(out, "error", row->error);
	field(out, "service tier", row->service_tier);
	buf_printf(out, "%-12s %s, first token after %lld ms, %lld ms in all\n",
		   "time", clock_text(row->started_ms, at),
		   (long long)row->first_token_ms, (long long)row->total_ms);
	if (row->price_id)
		buf_printf(out, "%-12s %lld, since %s\n", "price",
			   (long long)row->price_id,
			   clock_text(r->price_from_ms, at));
	if (*row->group)
		buf_printf(out, "%-12s %s, which pays %s of the price\n",
			   "group", row->group,
			   factor_text(row->factor_ppm, factor));
}

static void text_factor(struct buf *out, int64_t ppm, const char *whose)
{
	char factor[NUSD_TEXT];

	if (ppm != PPM)
		buf_printf(out, " x %s (%s)", factor_text(ppm, factor), whose);
}

static void text_line(const struct receipt_line *l, struct buf *out)
{
	char price[NUSD_TEXT], amount[NUSD_TEXT];

	buf_printf(out, "%-15s %12lld x $%s", l->line, (long long)l->count,
		   nusd_text(l->price_nusd, price));
	text_unit(out, l->line);
	text_factor(out, l->tier_ppm, "service tier");
	text_factor(out, l->factor_ppm, "group");
	buf_printf(out, " = $%s", nusd_text(l->amount_nusd, amount));
	if (*l->variant)
		buf_printf(out, ", %s", l->variant);
	if (l->from_tok)
		buf_printf(out, ", the price from %lld tokens on",
			   (long long)l->from_tok);
	buf_char(out, '\n');
}

static void text_lines(const struct receipt *r, struct buf *out)
{
	char amount[NUSD_TEXT];

	buf_char(out, '\n');
	for (int i = 0; i < r->n_lines; i++)
		text_line(&r->lines[i], out);
	buf_printf(out, "%-15s $%s", "amount",
		   nusd_text(r->row->cost_nusd, amount));
	if (!r->adds_up)
		buf_printf(out, "  BUT THE LINES SAY $%s",
			   nusd_text(r->sum_nusd, amount));
	buf_char(out, '\n');
}

static void text_money(const struct request *row, struct buf *out)
{
	char a[NUSD_TEXT], b[NUSD_TEXT];

	if (row->refunded_nusd)
		buf_printf(out, "%-15s $%s, so $%s was paid\n", "refunded",
			   nusd_text(row->refunded_nusd, a),
			   nusd_text(paid_nusd(row), b));
	buf_printf(out, "%-15s $%s%s%s\n", "reserved",
		   nusd_text(row->reserved_nusd, a),
		   row->overshoot ? ", less than it cost" : "",
		   row->stopped ? "; the budget ended the answer" : "");
}

static void text_attempts(const struct receipt *r, bool for_operator,
			  struct buf *out)
{
	char amount[NUSD_TEXT];

	if (r->n_attempts)
		buf_char(out, '\n');
	for (int i = 0; i < r->n_attempts; i++) {
		const struct receipt_attempt *a = &r->attempts[i];
		bool last = i == r->n_attempts - 1;

		buf_printf(out, "attempt %d: %s, %lld ms, $%s%s%s\n", i + 1,
			   *a->error ? a->error : "answered", (long long)a->ms,
			   nusd_text(last ? r->row->cost_nusd : 0, amount),
			   for_operator ? ", channel " : "",
			   for_operator ? a->channel : "");
	}
}

static void text_usage(const struct request *row, struct buf *out)
{
	buf_char(out, '\n');
	field(out, "counted by", row->source);
	field(out, "because", row->usage_flag);
	field(out, "counts", row->usage);
	field(out, "upstream", row->usage_raw);
}

void receipt_text(const struct receipt *r, bool for_operator, struct buf *out)
{
	const struct request *row = r->row;
	char amount[NUSD_TEXT];

	text_head(r, out);
	text_lines(r, out);
	text_money(row, out);
	text_attempts(r, for_operator, out);
	text_usage(row, out);
	if (!for_operator)
		return;
	buf_char(out, '\n');
	field(out, "user", row->user);
	field(out, "key", row->token);
	field(out, "channel", row->channel);
	field(out, "provider", row->provider);
	buf_printf(out, "%-12s $%s\n", "it cost us",
		   nusd_text(row->upstream_nusd, amount));
}
