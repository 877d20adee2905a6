/* verdict.c - see verdict.h. */
#include "dialect/verdict.h"

enum where { CODE, SAID };

static const struct row {
	int from, to;
	enum where where;
	const char *words;
	enum err_code code;
	const char *asked;
} rows[] = {
#define V(from, to, where, words, ours, asked) \
	{ from, to, where, words, ERR_##ours, asked },
#include "dialect/verdict.def"
#undef V
};

/* What a status is to us.  The first row that holds counts. */
static const struct meaning {
	int from, to;
	enum err_code code;
	const char *words; /* before the upstream's own */
} meanings[] = {
	/* clang-format off */
	{ 200, 299, ERR_UP_STATUS,  "The upstream reports an error" },
	{ 300, 399, ERR_UP_BROKEN,  "The upstream answered with a redirect" },
	{ 400, 400, ERR_UP_REQUEST, "" },
	{ 401, 401, ERR_UP_AUTH,    "The upstream refused this gateway's key" },
	{ 402, 402, ERR_UP_CREDIT,  "This gateway's account at the upstream has no credit" },
	{ 403, 403, ERR_UP_AUTH,    "The upstream refused this gateway's key" },
	{ 404, 404, ERR_UP_STATUS,  "The upstream does not know this model or address" },
	{ 408, 408, ERR_UP_TIMEOUT, "The upstream gave up waiting" },
	{ 409, 409, ERR_UP_STATUS,  "The upstream reports a conflict" },
	{ 413, 415, ERR_UP_REQUEST, "" },
	{ 422, 422, ERR_UP_REQUEST, "" },
	{ 429, 429, ERR_UP_RATE,    "The upstream is rate limited" },
	{ 400, 499, ERR_UP_STATUS,  "The upstream refused the request" },
	{ 504, 504, ERR_UP_TIMEOUT, "The upstream's own upstream gave no answer in time" },
	{ 500, 599, ERR_UP_STATUS,  "The upstream failed" },
	{ 0,   999, ERR_UP_BROKEN,  "The upstream answered with a status that is none" },
	/* clang-format on */
};

/* ... where words have told what the status does not. */
static const struct {
	enum err_code code;
	const char *before;
} befores[] = {
	{ ERR_UP_CREDIT,
	  "This gateway's account at the upstream has no credit" },
	{ ERR_UP_AUTH, "The upstream refused this gateway's key" },
	{ ERR_UP_RATE, "The upstream is rate limited" },
	{ ERR_UP_STATUS, "The upstream failed" },
};

static const struct meaning *meaning_of(int status)
{
	const struct meaning *m = meanings;

	while (m < &meanings[COUNT(meanings) - 1] &&
	       (status < m->from || status > m->to))
		m++;
	return m;
}

static bool is_said(const struct row *row, const struct listen_error *said)
{
	if (row->where == SAID)
		return strcasestr(said->message, row->words);
	return strcasestr(said->code, row->words) ||
	       strcasestr(said->type, row->words);
}

static const struct row *row_of(int status, const struct listen_error *said)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		if (status >= rows[i].from && status <= rows[i].to &&
		    is_said(&rows[i], said))
			return &rows[i];
	return NULL;
}

static const char *before(enum err_code code)
{
	for (size_t i = 0; i < COUNT(befores); i++)
		if (befores[i].code == code)
			return befores[i].before;
	return "";
}

struct verdict verdict_of(int status, const struct listen_error *said)
{
	bool inside = status >= 200 && status <= 299;
	int named = !inside                                    ? status :
		    said->status >= 400 && said->status <= 599 ? said->status :
								 0;
	const struct row *row = row_of(named, said);
	const struct meaning *m = meaning_of(named ? named : status);
	struct verdict v = { .code = m->code, .before = m->words };

	if (row) {
		v.code = row->code;
		v.asked = row->asked;
		if (m->code != row->code)
			v.before = before(row->code);
	}
	if (v.code == ERR_UP_REQUEST)
		v.status = v.asked || m->code != ERR_UP_REQUEST ? 400 : named;
	return v;
}
