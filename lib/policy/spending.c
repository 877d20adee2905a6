/* spending.c - see spending.h. */
#include "policy/spending.h"

#include "base/clock.h"
#include "base/nusd.h"
#include "store/spend.h"
#include "store/token.h"
#include "json/jw.h"

/* one-api's number for "no limit of its own", which its clients know. */
#define NO_LIMIT STR("100000000")

#define DATE_LEN     10 /* "2026-11-21" */
#define DAYS_DEFAULT 30

/* --- the old billing pages ----------------------------------------------------- */

static void put_usd(struct jw *w, const char *name, int64_t nusd)
{
	char text[NUSD_TEXT];

	jw_raw(w, name, str_of(nusd_text(nusd, text)));
}

/* A cent is 10,000,000 nUSD. */
static void put_cents(struct jw *w, const char *name, int64_t nusd)
{
	uint64_t v = nusd < 0 ? 0 - (uint64_t)nusd : (uint64_t)nusd;
	char text[NUSD_TEXT];
	int n = snprintf(text, sizeof(text), "%s%llu.%07llu",
			 nusd < 0 ? "-" : "",
			 (unsigned long long)(v / 10000000),
			 (unsigned long long)(v % 10000000));

	while (text[n - 1] == '0')
		n--;
	if (text[n - 1] == '.')
		n--;
	jw_raw(w, name, (struct str){ text, (size_t)n });
}

static void put_limit(struct jw *w, const char *name, const struct token *t)
{
	if (t->limit_nusd < 0)
		jw_raw(w, name, NO_LIMIT);
	else
		put_usd(w, name, t->limit_nusd);
}

void spending_subscription(const struct token *t, struct buf *out)
{
	struct jw w;

	jw_start(&w, out);
	jw_object(&w, NULL);
	jw_str(&w, "object", "billing_subscription");
	jw_bool(&w, "has_payment_method", true);
	put_limit(&w, "soft_limit_usd", t);
	put_limit(&w, "hard_limit_usd", t);
	put_limit(&w, "system_hard_limit_usd", t);
	jw_int(&w, "access_until", t->expires_ms / 1000);
	jw_end(&w);
}

void spending_total(const struct token *t, struct buf *out)
{
	struct jw w;

	jw_start(&w, out);
	jw_object(&w, NULL);
	jw_str(&w, "object", "list");
	put_cents(&w, "total_usage", t->used_nusd);
	jw_end(&w);
}

static int64_t available_nusd(const struct token *t)
{
	int64_t left = t->balance_nusd - t->account_held_nusd - t->floor_nusd;

	if (t->limit_nusd >= 0)
		left = MIN(left, t->limit_nusd - t->used_nusd - t->held_nusd);
	return MAX(left, 0);
}

void spending_credit(const struct token *t, struct buf *out)
{
	int64_t left = available_nusd(t);
	int64_t granted = nusd_add(t->used_nusd, left);
	struct jw w;

	jw_start(&w, out);
	jw_object(&w, NULL);
	jw_str(&w, "object", "credit_summary");
	put_usd(&w, "total_granted", granted);
	put_usd(&w, "total_used", t->used_nusd);
	put_usd(&w, "total_available", left);
	put_usd(&w, "total_remaining", left);
	jw_object(&w, "grants");
	jw_str(&w, "object", "list");
	jw_array(&w, "data");
	jw_object(&w, NULL);
	jw_str(&w, "object", "credit_grant");
	jw_str(&w, "id", "account");
	put_usd(&w, "grant_amount", granted);
	put_usd(&w, "used_amount", t->used_nusd);
	jw_int(&w, "effective_at", t->created_ms / 1000);
	jw_int(&w, "expires_at", t->expires_ms / 1000);
	jw_end(&w);
	jw_end(&w);
	jw_end(&w);
	jw_end(&w);
}

/* --- days ------------------------------------------------------------------------ */

/* Days since 1970 of a date of the Gregorian calendar. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t century = y / 400, of_it = y % 400;
	int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day;

	return century * 146097 + of_it * 365 + of_it / 4 - of_it / 100 +
	       in_year - 1 - 719468;
}

static void date_text(int64_t day_ms, char at[static CLOCK_TEXT])
{
	clock_text(day_ms, at);
	at[DATE_LEN] = '\0';
}

static int read_date(const char *name, const char *s, int64_t *day_ms,
		     struct err *e)
{
	struct str rest = str_of(s), part[3];
	int64_t y = 0, m = 0, d = 0;
	char again[CLOCK_TEXT];

	if (strlen(s) == DATE_LEN && str_next(&rest, '-', &part[0]) &&
	    str_next(&rest, '-', &part[1]) && str_next(&rest, '-', &part[2]) &&
	    !rest.p && !str_int(part[0], 1970, 9999, &y) &&
	    !str_int(part[1], 1, 12, &m) && !str_int(part[2], 1, 31, &d)) {
		*day_ms = days_of(y, m, d) * SPEND_DAY_MS;
		date_text(*day_ms, again);
		if (!strcmp(again, s)) /* the 30th of February is no day */
			return 0;
	}
	return err_param(e, ERR_VALUE, name,
			 "Invalid value for '%s': want a day like 2026-11-21.",
			 name);
}

int spending_range(const char *from, const char *to, int64_t now_ms,
		   struct spending_range *out, struct err *e)
{
	int64_t last_ms = now_ms / SPEND_DAY_MS * SPEND_DAY_MS;

	*out = (struct spending_range){ 0 };
	if (*to && read_date("to", to, &last_ms, e) < 0)
		return -1;
	out->to_ms = last_ms + SPEND_DAY_MS;
	out->from_ms = MAX(out->to_ms - DAYS_DEFAULT * SPEND_DAY_MS, 0);
	if (*from && read_date("from", from, &out->from_ms, e) < 0)
		return -1;
	if (out->from_ms >= out->to_ms)
		return err_param(e, ERR_VALUE, "from",
				 "'from' is later than 'to'.");
	if (out->to_ms - out->from_ms > SPENDING_DAYS_MAX * SPEND_DAY_MS)
		return err_param(e, ERR_VALUE, "from",
				 "From 'from' to 'to' are more than %d days; "
				 "ask for fewer at once.",
				 SPENDING_DAYS_MAX);
	return 0;
}

/* Integers for programs, dollars as exact text for people. */
static void put_money(struct jw *w, const char *name, int64_t nusd)
{
	char member[40], text[NUSD_TEXT];

	snprintf(member, sizeof(member), "%s_nusd", name);
	jw_int(w, member, nusd);
	snprintf(member, sizeof(member), "%s_usd", name);
	jw_str(w, member, nusd_text(nusd, text));
}

static void put_counts(struct jw *w, const struct spend_day *d)
{
	jw_int(w, "requests", d->requests);
	jw_int(w, "prompt_tokens", d->prompt_tok);
	jw_int(w, "cached_tokens", d->cached_tok);
	jw_int(w, "completion_tokens", d->completion_tok);
	jw_int(w, "reasoning_tokens", d->reasoning_tok);
	jw_int(w, "cache_write_5m_tokens", d->cache_write_tok);
	jw_int(w, "cache_write_1h_tokens", d->cache_write_1h_tok);
	jw_int(w, "audio_input_tokens", d->audio_in_tok);
	jw_int(w, "audio_output_tokens", d->audio_out_tok);
	jw_int(w, "image_input_tokens", d->image_in_tok);
	jw_int(w, "image_output_tokens", d->image_out_tok);
	jw_int(w, "searches", d->searches);
	jw_int(w, "images", d->images);
	jw_int(w, "audio_ms", d->audio_ms);
	jw_int(w, "characters", d->characters);
	put_money(w, "cost", d->cost_nusd);
	put_money(w, "refunded", d->refunded_nusd);
}

static void add_up(struct spend_day *sum, const struct spend_day *d)
{
	sum->requests += d->requests;
	sum->prompt_tok += d->prompt_tok;
	sum->cached_tok += d->cached_tok;
	sum->completion_tok += d->completion_tok;
	sum->reasoning_tok += d->reasoning_tok;
#define X(kind) sum->kind += d->kind;
	ROLLUP_KINDS(X)
#undef X
	sum->cost_nusd = nusd_add(sum->cost_nusd, d->cost_nusd);
	sum->refunded_nusd = nusd_add(sum->refunded_nusd, d->refunded_nusd);
}

void spending_days(const struct token *t, const struct spending_range *range,
		   const struct spend_day *days, int n, struct buf *out)
{
	struct spend_day sum = { 0 };
	char date[CLOCK_TEXT];
	struct jw w;

	jw_start(&w, out);
	jw_object(&w, NULL);
	jw_str(&w, "object", "usage");
	jw_str(&w, "key", t->name);
	date_text(range->from_ms, date);
	jw_str(&w, "from", date);
	date_text(range->to_ms - SPEND_DAY_MS, date);
	jw_str(&w, "to", date);
	jw_array(&w, "data");
	for (int i = 0; i < n; i++) {
		date_text(days[i].day_ms, date);
		jw_object(&w, NULL);
		jw_str(&w, "date", date);
		jw_str(&w, "model", days[i].model);
		put_counts(&w, &days[i]);
		jw_end(&w);
		add_up(&sum, &days[i]);
	}
	jw_end(&w);
	jw_object(&w, "total");
	put_counts(&w, &sum);
	jw_end(&w);
	jw_end(&w);
}
