/* probe_advice.c - see probe_advice.h. */
#include "probe_advice.h"

/* The first row that fits counts; the last one fits all. */
static const struct advice {
	enum err_code code; /* ERR_NONE: any */
	int status;         /* 0: any */
	const char *why;    /* a piece of the sentence; NULL: any */
	const char *text;
} advices[] = {
	/* clang-format off */
	{ ERR_UP_CONNECT, 0, "resolve", "The host name does not resolve. Is the base URL spelt right? Can this machine look names up?" },
	{ ERR_UP_CONNECT, 0, "refused", "Nothing listens at that address and port. Is the base URL right, is the server running?" },
	{ ERR_UP_CONNECT, 0, "in time", "No connection in time. A firewall between here and there? A wrong port?" },
	{ ERR_UP_CONNECT, 0, "certificate", "The server's certificate is not valid for that name. Is the name right? Is ca_file up to date?" },
	{ ERR_UP_CONNECT, 0, "TLS", "The TLS handshake failed. Does that port speak https at all? Try http:// for a local server." },
	{ ERR_UP_CONNECT, 0, "CA file", "The file of certificates cannot be read: see the setting ca_file, or install ca-certificates." },
	{ ERR_UP_FORBIDDEN, 0, NULL, "The address is private. If that is intended: pontage channel set NAME --allow CIDR" },
	{ ERR_UP_TIMEOUT, 0, NULL, "The server accepted the request and said nothing. Is the model loaded? Is the server overloaded?" },
	{ ERR_NONE, 401, NULL, "The key was refused. Copy it anew; is it of this provider, this account?" },
	{ ERR_NONE, 402, NULL, "The provider wants to be paid first: the account has no credit." },
	{ ERR_NONE, 403, NULL, "The key is known but may not do this: rights, region, or credit." },
	{ ERR_MODEL, 404, NULL, "The model is unknown there. The names that exist are listed below; map yours with --map NAME=THEIRS." },
	{ ERR_NONE, 404, NULL, "Nothing at that path. Does the base URL end in the version path, like /v1?" },
	{ ERR_NONE, 429, NULL, "The provider limits the rate, or the credit is used up. Its words tell which." },
	{ ERR_NONE, 400, NULL, "The provider understood the key but not the request. Its words tell what it missed." },
	{ ERR_UP_BROKEN, 0, "HTTP", "What answers there is no web server of this kind. Is the port right? Should it be https://?" },
	{ ERR_UP_BROKEN, 0, NULL, "The answer is none of an API. Does the base URL end in the version path, like /v1?" },
	{ ERR_NONE, 0, NULL, "The provider failed. Try again; if it stays so, see its status page." },
	/* clang-format on */
};

const char *probe_advice(enum err_code code, int status, const char *sentence,
			 const char *words)
{
	const struct advice *a = advices;

	for (;; a++)
		if ((!a->code || a->code == code) &&
		    (!a->status || a->status == status) &&
		    (!a->why || strstr(sentence, a->why) ||
		     strstr(words, a->why)))
			return a->text;
}
