/* relay_story.c - see relay_story.h. */
#include "relay_story.h"

#define CHUNK(delta, finish)                                              \
	"data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{" delta \
	"},\"finish_reason\":" finish "}]}\n\n"

#define OURS(choice)                                                   \
	"data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\","    \
	"\"created\":0,\"model\":\"\",\"choices\":[{\"index\":" choice \
	",\"delta\":{},\"logprobs\":null,\"finish_reason\":\"length\"}]}\n\n"

#define ANSWER                                                         \
	"{\"id\":\"c\",\"choices\":[{\"index\":0,\"message\":{"        \
	"\"role\":\"assistant\",\"content\":\"Lima\"},"                \
	"\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":9," \
	"\"completion_tokens\":12,\"total_tokens\":21}}"

static const struct saying {
	char letter;
	const char *bytes;
} said[] = {
	{ 'r', CHUNK("\"role\":\"assistant\",\"content\":\"\"", "null") },
	{ 't', CHUNK("\"content\":\"Li\"", "null") },
	{ 'T', CHUNK("\"content\":\"Lima\"", "null") },
	{ 'y', "data: {\"id\":\"c\",\"choices\":[{\"index\":1,\"delta\":{"
	       "\"content\":\"Lima\"}}]}\n\n" },
	{ 'Y', "data: {\"id\":\"c\",\"choices\":[{\"index\":1,\"delta\":{},"
	       "\"finish_reason\":\"stop\"}]}\n\n" },
	{ 'c', CHUNK("\"tool_calls\":[{\"index\":0,\"id\":\"i\",\"type\":"
		     "\"function\",\"function\":{\"name\":\"\","
		     "\"arguments\":\"\"}}]",
		     "null") },
	{ 'a', CHUNK("\"tool_calls\":[{\"index\":0,\"function\":{"
		     "\"arguments\":\"[1,2\"}}]",
		     "null") },
	{ 'p', CHUNK("\"content\":\"Lima\"", "\"stop\"") },
	{ 's', CHUNK("", "\"stop\"") },
	{ 'u', "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\""
	       ":9,\"completion_tokens\":12,\"total_tokens\":21}}\n\n" },
	{ 'd', "data: [DONE]\n\n" },
	{ 'e', "data: {\"error\":{\"message\":\"Overloaded\"}}\n\n" },
	{ 'l',
	  "data: {\"error\":{\"message\":\"Slow down\",\"code\":429}}\n\n" },
	{ 'n', "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{"
	       "\"content\":\"N\"}}],\"usage\":null}\n\n" },
	{ 'v', "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{"
	       "\"content\":\"N\"}}]}\n\n" },
	{ 'm', ": ping\n\n" },
	{ 'b', "data: {\"id\":\n\n" },
	{ 'o', "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{"
	       "\"content\":\"x\"},\"finish_reason\":\"stop\"}]}" },
	{ '/', "data: {\"id\":\"c\",\"cho" },
	{ 'B', "\xef\xbb\xbf" },
	{ '#', ANSWER },
	{ 'h', "{\"id\":\"c\",\"cho" },
	{ '<', "<html>no</html>" },
	{ '[', "[1,2]" },
};

static const struct heading {
	char letter;
	int status;
	const char *lines;
} heads[] = {
	{ 'H', 200, "Content-Type: text/event-stream\n" },
	{ 'I', 200, "content-type: Text/Event-Stream; charset=UTF-8\n" },
	{ 'N', 200, "" },
	{ 'J', 200, "Content-Type: application/json; charset=utf-8\n" },
	{ 'K', 200, "CONTENT-TYPE: Application/JSON\n" },
	{ 'P', 200, "Content-Type: text/html\n" },
	{ 'L', 200, "Content-Type: application/jsonl\n" },
	{ 'Z', 200,
	  "Content-Type: application/json\nContent-Encoding: gzip\n" },
	{ 'O', 302, "Location: http://127.0.0.1/\n" },
	{ 'F', 500, "Content-Type: application/json\n" },
};

/* What only the client reads. */
static const struct saying ours[] = {
	{ 'E', "data: {\"error\":" },
	{ '!', "{\"error\":" },
	{ 'w', ": waiting\n\n" },
	{ 'k', ": keep-alive\n\n" },
	{ '+', "\n\n" },
	{ '>', OURS("0") },
	{ '}', OURS("1") },
};

const char ask_stream[] =
	"{\"model\":\"m1\",\"stream\":true,\"messages\":[{\"role\":\"user\","
	"\"content\":\"hi\"}]}";
const char ask_usage[] =
	"{\"model\":\"m1\",\"stream\":true,\"stream_options\":{"
	"\"include_usage\":true},\"messages\":[{\"role\":\"user\","
	"\"content\":\"hi\"}]}";
const char ask_two[] =
	"{\"model\":\"m1\",\"n\":2,\"stream\":true,\"messages\":[{\"role\":"
	"\"user\",\"content\":\"hi\"}]}";
const char ask_whole[] =
	"{\"model\":\"m1\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}"
	"]}";

/* --- telling a story -------------------------------------------------------- */

static bool step_bytes(struct world *w, char c)
{
	for (size_t i = 0; i < COUNT(said); i++)
		if (said[i].letter == c) {
			world_say(w, str_of(said[i].bytes));
			return true;
		}
	for (size_t i = 0; i < COUNT(heads); i++)
		if (heads[i].letter == c) {
			world_head(w, heads[i].status, heads[i].lines);
			return true;
		}
	return false;
}

void story_step(struct world *w, char c)
{
	if (step_bytes(w, c))
		return;
	switch (c) {
	case '.': world_over(w, ERR_NONE, ""); break;
	case 'x': world_over(w, ERR_UP_BROKEN, "it was reset"); break;
	case 'W': world_wait(w); break;
	case 'q': world_leave(w); break;
	case 'S': w->stuck = true; break;
	case 'R':
		w->stuck = false;
		w->queued = 0;
		relay_on_room(&w->relay, w->now_ms);
		break;
	case '$': world_grant(w, 4); break;
	case '%': world_refuse(w, ERR_NO_FUNDS); break;
	case '&': world_refuse(w, ERR_OVERLOADED); break;
	default: world_pass(w, (int64_t)(c - '0') * 1000); break;
	}
}

void story_tell(struct world *w, const char *script)
{
	world_start(w);
	for (; *script; script++)
		story_step(w, *script);
}

static const struct saying *saying_at(const char *p, const struct saying *from,
				      size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strncmp(p, from[i].bytes, strlen(from[i].bytes)))
			return &from[i];
	return NULL;
}

/* Ours first: an error event begins like any other; but an empty line only
 * where nothing longer is. */
static const struct saying *saying_of(const char *p)
{
	const struct saying *s = saying_at(p, ours, COUNT(ours));
	const struct saying *theirs = saying_at(p, said, COUNT(said));

	return s && *s->bytes != '\n' ? s : theirs ? theirs : s;
}

/* An error's object and, of an event, its end. */
static const char *past_error(const char *p)
{
	const char *end = strstr(p, "}}");

	if (!end)
		return p;
	return strncmp(end + 2, "\n\n", 2) ? end + 2 : end + 4;
}

const char *story_letters(const struct world *w, char *out)
{
	char *to = out;

	for (const char *p = w->got.p; *p;) {
		const struct saying *s = saying_of(p);

		*to++ = s ? s->letter : '?';
		p += s ? strlen(s->bytes) : 1;
		if (s && strchr("E!", s->letter))
			p = past_error(p);
	}
	*to = '\0';
	return out;
}
