/* test_usage.c - lib/dialect/usage_read: every dialect's own example of usage,
 * what is counted, and what that costs. */
#include "dialect/usage_read.h"

#include "policy/bill.h"
#include "rows.h"

/* Prices are made up, the same for all rows, so that a sum can be followed by
 * hand.  Nano-dollars for one:
 *
 *	input        2,000   audio_in     40,000   search 10,000,000
 *	cache_read     500   audio_out    80,000   fetch   1,000,000
 *	cache_write  2,500   cached_audio  2,500   image  40,000,000
 *	  1h         4,000   image_in     10,000   character  15,000
 *	output       8,000   image_out    30,000   millisecond   100
 *	reasoning   10,000   cached_image  1,000
 *
 * The parts of a line are taken out of it: 10 tokens of output, 4 of them
 * reasoning, are 6 x 8,000 + 4 x 10,000. */
static const struct published {
	const char *label;
	enum usage_dialect dialect;
	enum usage_needs needs;
	const char *objects[3]; /* in the order in which they come */
	const char *want;
	enum usage_flag flag;
	enum service_tier tier;
	int64_t nusd;
} published[] = {
	/* --- OpenAI's dialect -------------------------------------------- */
	{ .label = "OpenAI chat",
	  .dialect = USAGE_OPENAI,
	  .objects = { "{\"prompt_tokens\":19,\"completion_tokens\":10,"
		       "\"total_tokens\":29,\"prompt_tokens_details\":"
		       "{\"cached_tokens\":0,\"audio_tokens\":0},"
		       "\"completion_tokens_details\":{\"reasoning_tokens\":0,"
		       "\"audio_tokens\":0,\"accepted_prediction_tokens\":0,"
		       "\"rejected_prediction_tokens\":0}}" },
	  .want = "in 19 cache_read 0 out 10 reasoning 0 audio_in 0 "
		  "audio_out 0",
	  /* 19 x 2,000 + 10 x 8,000 */
	  .nusd = 118000 },
	{ .label = "OpenAI chat, cached",
	  .dialect = USAGE_OPENAI,
	  .objects = { "{\"prompt_tokens\":2006,\"completion_tokens\":300,"
		       "\"total_tokens\":2306,\"prompt_tokens_details\":"
		       "{\"cached_tokens\":1920},"
		       "\"completion_tokens_details\":"
		       "{\"reasoning_tokens\":128}}" },
	  .want = "in 86 cache_read 1920 out 300 reasoning 128",
	  /* 86 x 2,000 = 172,000; 1,920 x 500 = 960,000;
	   * (300 - 128) x 8,000 = 1,376,000; 128 x 10,000 = 1,280,000 */
	  .nusd = 3788000 },
	{ .label = "OpenAI chat, written to the cache",
	  .dialect = USAGE_OPENAI,
	  .objects = { "{\"prompt_tokens\":100,\"completion_tokens\":1,"
		       "\"prompt_tokens_details\":{\"cached_tokens\":20,"
		       "\"cache_write_tokens\":50}}" },
	  .want = "in 30 cache_read 20 cache_write 50 out 1",
	  /* 60,000 + 20 x 500 + 50 x 2,500 + 8,000 */
	  .nusd = 203000 },
	{ .label = "OpenAI chat, sound both ways",
	  .dialect = USAGE_OPENAI,
	  .objects = { "{\"prompt_tokens\":123,\"completion_tokens\":91,"
		       "\"total_tokens\":214,\"prompt_tokens_details\":"
		       "{\"cached_tokens\":23,\"audio_tokens\":90,"
		       "\"text_tokens\":33},\"completion_tokens_details\":"
		       "{\"reasoning_tokens\":0,\"audio_tokens\":71,"
		       "\"text_tokens\":20}}" },
	  .want = "in 100 cache_read 23 out 91 reasoning 0 audio_in 90 "
		  "audio_out 71",
	  /* (100 - 90) x 2,000 = 20,000; 90 x 40,000 = 3,600,000;
	   * 23 x 500 = 11,500; (91 - 71) x 8,000 = 160,000;
	   * 71 x 80,000 = 5,680,000 */
	  .nusd = 9471500 },
	{ .label = "Responses",
	  .dialect = USAGE_OPENAI,
	  .objects = { "{\"input_tokens\":75,\"input_tokens_details\":"
		       "{\"cached_tokens\":0,\"cache_write_tokens\":0},"
		       "\"output_tokens\":1186,\"output_tokens_details\":"
		       "{\"reasoning_tokens\":1024},\"total_tokens\":1261}" },
	  .want = "in 75 cache_read 0 cache_write 0 out 1186 reasoning 1024",
	  /* 75 x 2,000 = 150,000; (1,186 - 1,024) x 8,000 = 1,296,000;
	   * 1,024 x 10,000 = 10,240,000 */
	  .nusd = 11686000 },
	{ .label = "Azure",
	  .dialect = USAGE_OPENAI,
	  .objects = { "{\"prompt_tokens\":11,\"completion_tokens\":2,"
		       "\"total_tokens\":13}" },
	  .want = "in 11 out 2",
	  .nusd = 38000 }, /* 22,000 + 16,000 */
	{ .label = "DeepSeek",
	  .dialect = USAGE_OPENAI,
	  .objects = { "{\"prompt_tokens\":10,\"completion_tokens\":12,"
		       "\"total_tokens\":22,\"completion_tokens_details\":"
		       "{\"reasoning_tokens\":8},"
		       "\"prompt_cache_hit_tokens\":4,"
		       "\"prompt_cache_miss_tokens\":6}" },
	  .want = "in 6 cache_read 4 out 12 reasoning 8",
	  /* 12,000 + 2,000 + 4 x 8,000 + 8 x 10,000 */
	  .nusd = 126000 },
	{ .label = "xAI: reasoning is beside the completion",
	  .dialect = USAGE_XAI,
	  .objects = { "{\"prompt_tokens\":32,\"completion_tokens\":9,"
		       "\"total_tokens\":135,\"prompt_tokens_details\":"
		       "{\"text_tokens\":32,\"audio_tokens\":0,"
		       "\"image_tokens\":0,\"cached_tokens\":6},"
		       "\"completion_tokens_details\":"
		       "{\"reasoning_tokens\":94,\"audio_tokens\":0},"
		       "\"num_sources_used\":2}" },
	  .want = "in 26 cache_read 6 out 103 reasoning 94 audio_in 0 "
		  "audio_out 0 image_in 0 searches 2",
	  /* 52,000 + 3,000 + 9 x 8,000 + 94 x 10,000 + 2 searches */
	  .nusd = 21067000 },
	{ .label = "xAI: at times the cached ones are beside the prompt",
	  .dialect = USAGE_XAI,
	  .objects = { "{\"prompt_tokens\":3,\"completion_tokens\":1,"
		       "\"prompt_tokens_details\":{\"cached_tokens\":9}}" },
	  .want = "in 3 cache_read 9 out 1",
	  .nusd = 18500 }, /* 6,000 + 4,500 + 8,000 */
	{ .label = "Moonshot",
	  .dialect = USAGE_OPENAI,
	  .objects = { "{\"prompt_tokens\":19,\"completion_tokens\":21,"
		       "\"total_tokens\":40,\"cached_tokens\":10}" },
	  .want = "in 9 cache_read 10 out 21",
	  .nusd = 191000 }, /* 18,000 + 5,000 + 168,000 */
	{ .label = "Mistral",
	  .dialect = USAGE_OPENAI,
	  .objects = { "{\"prompt_tokens\":10,\"completion_tokens\":8,"
		       "\"total_tokens\":18,\"prompt_tokens_details\":"
		       "{\"cached_tokens\":0},\"num_cached_tokens\":0,"
		       "\"prompt_audio_seconds\":null}" },
	  .want = "in 10 cache_read 0 out 8",
	  .nusd = 84000 }, /* 20,000 + 64,000 */
	{ .label = "Mistral, spoken to",
	  .dialect = USAGE_OPENAI,
	  .objects = { "{\"prompt_tokens\":4,\"completion_tokens\":24,"
		       "\"prompt_audio_seconds\":5}" },
	  .want = "in 4 out 24 audio_ms 5000",
	  .nusd = 700000 }, /* 8,000 + 192,000 + 500,000 */
	{ .label = "Alibaba, Qwen",
	  .dialect = USAGE_OPENAI,
	  .objects = { "{\"prompt_tokens\":3019,\"completion_tokens\":104,"
		       "\"total_tokens\":3123,\"prompt_tokens_details\":"
		       "{\"cached_tokens\":1024,"
		       "\"cache_creation_input_tokens\":1000}}" },
	  .want = "in 995 cache_read 1024 cache_write 1000 out 104",
	  /* 1,990,000 + 512,000 + 2,500,000 + 832,000 */
	  .nusd = 5834000 },
	{ .label = "Alibaba, native",
	  .dialect = USAGE_OPENAI,
	  .objects = { "{\"input_tokens\":3,\"output_tokens\":2,"
		       "\"total_tokens\":5,\"prompt_tokens_details\":"
		       "{\"cached_tokens\":0},\"output_tokens_details\":"
		       "{\"reasoning_tokens\":0},\"image_tokens\":0}" },
	  .want = "in 3 cache_read 0 out 2 reasoning 0",
	  .nusd = 22000 },
	{ .label = "Alibaba, an app: the sum of its models",
	  .dialect = USAGE_OPENAI,
	  .objects = { "{\"models\":[{\"model_id\":\"a\",\"input_tokens\":1,"
		       "\"output_tokens\":2},{\"model_id\":\"b\","
		       "\"input_tokens\":10,\"output_tokens\":20}]}" },
	  .want = "in 11 out 22",
	  .nusd = 198000 },
	{ .label = "Zhipu",
	  .dialect = USAGE_OPENAI,
	  .objects = { "{\"completion_tokens\":217,\"prompt_tokens\":31,"
		       "\"prompt_tokens_details\":{\"cached_tokens\":5},"
		       "\"total_tokens\":248}" },
	  .want = "in 26 cache_read 5 out 217",
	  .nusd = 1790500 }, /* 52,000 + 2,500 + 1,736,000 */
	{ .label = "Groq, with times",
	  .dialect = USAGE_OPENAI,
	  .objects = { "{\"queue_time\":0.01,\"prompt_tokens\":18,"
		       "\"prompt_time\":0.001,\"completion_tokens\":5,"
		       "\"completion_time\":0.01,\"total_tokens\":23,"
		       "\"total_time\":0.011}" },
	  .want = "in 18 out 5",
	  .nusd = 76000 },
	{ .label = "OpenRouter: its cost is ours to work out",
	  .dialect = USAGE_OPENAI,
	  .objects = { "{\"completion_tokens\":2,\"completion_tokens_details\":"
		       "{\"reasoning_tokens\":0},\"cost\":0.95,"
		       "\"cost_details\":{\"upstream_inference_cost\":19},"
		       "\"prompt_tokens\":194,\"prompt_tokens_details\":"
		       "{\"cached_tokens\":0,\"cache_write_tokens\":100,"
		       "\"audio_tokens\":0},\"total_tokens\":196}" },
	  .want = "in 94 cache_read 0 cache_write 100 out 2 reasoning 0 "
		  "audio_in 0",
	  .nusd = 454000 }, /* 188,000 + 250,000 + 16,000 */
	{ .label = "Perplexity: research thinks beside its answer",
	  .dialect = USAGE_OPENAI,
	  .objects = { "{\"prompt_tokens\":33,\"completion_tokens\":7163,"
		       "\"total_tokens\":7196,\"citation_tokens\":19240,"
		       "\"num_search_queries\":23,"
		       "\"reasoning_tokens\":73997}" },
	  .want = "in 33 out 81160 reasoning 73997 searches 23",
	  /* 66,000 + 57,304,000 + 739,970,000 + 230,000,000 */
	  .nusd = 1027340000 },
	{ .label = "Volcengine, a bot",
	  .dialect = USAGE_OPENAI,
	  .objects = { "{\"model_usage\":[{\"prompt_tokens\":3,"
		       "\"completion_tokens\":1},{\"prompt_tokens\":4,"
		       "\"completion_tokens\":2}]}" },
	  .want = "in 7 out 3",
	  .nusd = 38000 },
	{ .label = "flex",
	  .dialect = USAGE_OPENAI,
	  .objects = { "{\"prompt_tokens\":1,\"completion_tokens\":1,"
		       "\"service_tier\":\"flex\"}" },
	  .want = "in 1 out 1",
	  .tier = TIER_FLEX,
	  .nusd = 10000 },

	/* --- not chat ----------------------------------------------------- */
	{ .label = "embeddings",
	  .dialect = USAGE_OPENAI,
	  .needs = USAGE_NEEDS_INPUT,
	  .objects = { "{\"prompt_tokens\":8,\"total_tokens\":8}" },
	  .want = "in 8",
	  .nusd = 16000 },
	{ .label = "embeddings, Voyage",
	  .dialect = USAGE_OPENAI,
	  .needs = USAGE_NEEDS_INPUT,
	  .objects = { "{\"total_tokens\":3}" },
	  .want = "in 3",
	  .nusd = 6000 },
	{ .label = "images",
	  .dialect = USAGE_OPENAI,
	  .needs = USAGE_NEEDS_ANY,
	  .objects = { "{\"input_tokens\":52,\"output_tokens\":1056,"
		       "\"total_tokens\":1108,\"input_tokens_details\":"
		       "{\"text_tokens\":12,\"image_tokens\":40},"
		       "\"output_tokens_details\":{\"image_tokens\":1056,"
		       "\"text_tokens\":0}}" },
	  .want = "in 52 out 1056 image_in 40 image_out 1056",
	  /* 24,000 + 400,000 + 31,680,000 */
	  .nusd = 32104000 },
	{ .label = "images, Volcengine",
	  .dialect = USAGE_OPENAI,
	  .needs = USAGE_NEEDS_ANY,
	  .objects = { "{\"generated_images\":2}" },
	  .want = "images 2",
	  .nusd = 80000000 },
	{ .label = "a transcription, by tokens",
	  .dialect = USAGE_OPENAI,
	  .needs = USAGE_NEEDS_ANY,
	  .objects = { "{\"type\":\"tokens\",\"input_tokens\":14,"
		       "\"input_token_details\":{\"text_tokens\":4,"
		       "\"audio_tokens\":10},\"output_tokens\":45,"
		       "\"total_tokens\":59}" },
	  .want = "in 14 out 45 audio_in 10",
	  .nusd = 768000 }, /* 8,000 + 400,000 + 360,000 */
	{ .label = "a transcription, by its length",
	  .dialect = USAGE_OPENAI,
	  .needs = USAGE_NEEDS_ANY,
	  .objects = { "{\"type\":\"duration\",\"seconds\":8.4701}" },
	  .want = "audio_ms 8471",
	  .nusd = 847100 },
	{ .label = "speech",
	  .dialect = USAGE_OPENAI,
	  .needs = USAGE_NEEDS_ANY,
	  .objects = { "{\"input_tokens\":4,\"output_tokens\":120,"
		       "\"total_tokens\":124}" },
	  .want = "in 4 out 120",
	  .nusd = 968000 },
	{ .label = "speech, MiniMax",
	  .dialect = USAGE_OPENAI,
	  .needs = USAGE_NEEDS_ANY,
	  .objects = { "{\"audio_length\":9900,\"usage_characters\":26}" },
	  .want = "characters 26",
	  .nusd = 390000 },

	/* --- Anthropic ---------------------------------------------------- */
	{ .label = "Anthropic: the cache is beside the input",
	  .dialect = USAGE_ANTHROPIC,
	  .objects = { "{\"input_tokens\":12,"
		       "\"cache_creation_input_tokens\":0,"
		       "\"cache_read_input_tokens\":2048,\"cache_creation\":"
		       "{\"ephemeral_5m_input_tokens\":0,"
		       "\"ephemeral_1h_input_tokens\":0},\"output_tokens\":30,"
		       "\"output_tokens_details\":{\"thinking_tokens\":21},"
		       "\"server_tool_use\":null,\"service_tier\":\"standard\","
		       "\"speed\":\"standard\",\"inference_geo\":\"us\"}" },
	  .want = "in 12 cache_read 2048 cache_write 0 cache_write_1h 0 out 30 "
		  "reasoning 21",
	  /* 24,000 + 1,024,000 + 9 x 8,000 + 21 x 10,000 */
	  .nusd = 1330000 },
	{ .label = "Anthropic, written for 5 minutes and for an hour",
	  .dialect = USAGE_ANTHROPIC,
	  .objects = { "{\"input_tokens\":2048,"
		       "\"cache_read_input_tokens\":1800,"
		       "\"cache_creation_input_tokens\":248,"
		       "\"output_tokens\":503,\"cache_creation\":"
		       "{\"ephemeral_5m_input_tokens\":148,"
		       "\"ephemeral_1h_input_tokens\":100}}" },
	  .want = "in 2048 cache_read 1800 cache_write 148 cache_write_1h 100 "
		  "out 503",
	  /* 4,096,000 + 900,000 + 370,000 + 400,000 + 4,024,000 */
	  .nusd = 9790000 },
	{ .label = "Anthropic, before there was an hour",
	  .dialect = USAGE_ANTHROPIC,
	  .objects = { "{\"input_tokens\":10,"
		       "\"cache_creation_input_tokens\":5,"
		       "\"cache_read_input_tokens\":100,"
		       "\"output_tokens\":20}" },
	  .want = "in 10 cache_read 100 cache_write 5 out 20",
	  .nusd = 242500 }, /* 20,000 + 50,000 + 12,500 + 160,000 */
	{ .label = "Anthropic, searched",
	  .dialect = USAGE_ANTHROPIC,
	  .objects = { "{\"input_tokens\":105,\"output_tokens\":6039,"
		       "\"cache_read_input_tokens\":7123,"
		       "\"cache_creation_input_tokens\":7345,"
		       "\"server_tool_use\":{\"web_search_requests\":1,"
		       "\"web_fetch_requests\":2},"
		       "\"service_tier\":\"priority\"}" },
	  .want = "in 105 cache_read 7123 cache_write 7345 out 6039 searches 1 "
		  "fetches 2",
	  .tier = TIER_PRIORITY,
	  /* 210,000 + 3,561,500 + 18,362,500 + 48,312,000 + 10,000,000
	   * + 2,000,000 */
	  .nusd = 82446000 },
	{ .label = "Anthropic, a stream: the later word wins",
	  .dialect = USAGE_ANTHROPIC,
	  .objects = { "{\"input_tokens\":25,\"cache_creation_input_tokens\":0,"
		       "\"cache_read_input_tokens\":0,\"output_tokens\":1}",
		       "{\"output_tokens\":89,\"input_tokens\":25,"
		       "\"cache_creation_input_tokens\":0,"
		       "\"cache_read_input_tokens\":0,"
		       "\"output_tokens_details\":{\"thinking_tokens\":40}}" },
	  .want = "in 25 cache_read 0 cache_write 0 out 89 reasoning 40",
	  .nusd = 842000 }, /* 50,000 + 49 x 8,000 + 400,000 */
	{ .label = "Anthropic, a stream: what is not said stays",
	  .dialect = USAGE_ANTHROPIC,
	  .objects = { "{\"input_tokens\":25,"
		       "\"cache_creation_input_tokens\":100,"
		       "\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,"
		       "\"ephemeral_1h_input_tokens\":100},"
		       "\"output_tokens\":1,\"service_tier\":\"batch\"}",
		       "{\"output_tokens\":15,\"input_tokens\":null,"
		       "\"cache_creation_input_tokens\":100}" },
	  .want = "in 25 cache_write 0 cache_write_1h 100 out 15",
	  .tier = TIER_BATCH,
	  .nusd = 570000 }, /* 50,000 + 400,000 + 120,000 */

	/* --- Gemini ------------------------------------------------------- */
	{ .label = "Gemini: cached inside, thoughts beside",
	  .dialect = USAGE_GEMINI,
	  .objects = { "{\"promptTokenCount\":20,\"cachedContentTokenCount\":5,"
		       "\"candidatesTokenCount\":3,\"thoughtsTokenCount\":40,"
		       "\"toolUsePromptTokenCount\":0,\"totalTokenCount\":63,"
		       "\"promptTokensDetails\":[{\"modality\":\"TEXT\","
		       "\"tokenCount\":20}]}" },
	  .want = "in 15 cache_read 5 out 43 reasoning 40 tool_prompt 0",
	  .nusd = 456500 }, /* 30,000 + 2,500 + 24,000 + 400,000 */
	{ .label = "Gemini, a stream: the last counts",
	  .dialect = USAGE_GEMINI,
	  .objects = { "{\"promptTokenCount\":8,\"totalTokenCount\":8}",
		       "{\"promptTokenCount\":8,\"candidatesTokenCount\":1,"
		       "\"totalTokenCount\":21,\"thoughtsTokenCount\":12}",
		       "{\"promptTokenCount\":8,\"candidatesTokenCount\":14,"
		       "\"totalTokenCount\":34,\"thoughtsTokenCount\":12}" },
	  .want = "in 8 out 26 reasoning 12",
	  .nusd = 248000 }, /* 16,000 + 112,000 + 120,000 */
	{ .label = "Gemini, a prompt that was blocked",
	  .dialect = USAGE_GEMINI,
	  .objects = { "{\"promptTokenCount\":9,\"totalTokenCount\":9}" },
	  .want = "in 9",
	  .nusd = 18000 },
	{ .label = "Gemini, a tool's prompt is beside the prompt",
	  .dialect = USAGE_GEMINI,
	  .objects = { "{\"promptTokenCount\":100,"
		       "\"toolUsePromptTokenCount\":50,"
		       "\"candidatesTokenCount\":10,"
		       "\"totalTokenCount\":160}" },
	  .want = "in 150 out 10 tool_prompt 50",
	  .nusd = 380000 }, /* 300,000 + 80,000 */
	{ .label = "Gemini, by modality",
	  .dialect = USAGE_GEMINI,
	  .objects = { "{\"promptTokenCount\":1000,"
		       "\"cachedContentTokenCount\":300,"
		       "\"candidatesTokenCount\":1300,\"promptTokensDetails\":["
		       "{\"modality\":\"TEXT\",\"tokenCount\":142},"
		       "{\"tokenCount\":600,\"modality\":\"AUDIO\"},"
		       "{\"modality\":\"IMAGE\",\"tokenCount\":258}],"
		       "\"cacheTokensDetails\":[{\"modality\":\"AUDIO\","
		       "\"tokenCount\":200},{\"modality\":\"TEXT\","
		       "\"tokenCount\":100}],\"candidatesTokensDetails\":["
		       "{\"modality\":\"IMAGE\",\"tokenCount\":1290}],"
		       "\"trafficType\":\"ON_DEMAND_PRIORITY\"}" },
	  .want = "in 700 cache_read 300 out 1300 audio_in 400 image_in 258 "
		  "image_out 1290 cached_audio 200",
	  .tier = TIER_PRIORITY,
	  /* input 42 x 2,000 = 84,000; audio 16,000,000; image 2,580,000;
	   * cached 100 x 500 = 50,000; audio 200 x 2,500 = 500,000;
	   * output 10 x 8,000 = 80,000; image 1,290 x 30,000 = 38,700,000 */
	  .nusd = 57994000 },

	/* --- the others --------------------------------------------------- */
	{ .label = "Bedrock Converse: the cache is beside the input",
	  .dialect = USAGE_BEDROCK,
	  .objects = { "{\"inputTokens\":30,\"outputTokens\":6,"
		       "\"totalTokens\":136,\"cacheReadInputTokens\":100,"
		       "\"cacheWriteInputTokens\":10,\"cacheDetails\":[]}" },
	  .want = "in 30 cache_read 100 cache_write 10 out 6",
	  .nusd = 183000 }, /* 60,000 + 50,000 + 25,000 + 48,000 */
	{ .label = "Bedrock, invocation metrics",
	  .dialect = USAGE_BEDROCK,
	  .objects = { "{\"inputTokenCount\":9,\"outputTokenCount\":3,"
		       "\"invocationLatency\":500,\"firstByteLatency\":200}" },
	  .want = "in 9 out 3",
	  .nusd = 42000 },
	{ .label = "Ollama",
	  .dialect = USAGE_OLLAMA,
	  .objects = { "{\"model\":\"m\",\"done\":true,\"total_duration\":"
		       "900000000,\"prompt_eval_count\":26,"
		       "\"prompt_eval_duration\":1,\"eval_count\":12}" },
	  .want = "in 26 out 12",
	  .nusd = 148000 },
	{ .label = "Ollama leaves zeros out",
	  .dialect = USAGE_OLLAMA,
	  .objects = { "{\"done\":true,\"eval_count\":3}" },
	  .want = "out 3",
	  .nusd = 24000 },
	{ .label = "Cohere: what is billed, not what was read",
	  .dialect = USAGE_COHERE,
	  .objects = { "{\"billed_units\":{\"input_tokens\":5,"
		       "\"output_tokens\":9},\"tokens\":{\"input_tokens\":75,"
		       "\"output_tokens\":12},\"cached_tokens\":0}" },
	  .want = "in 5 cache_read 0 out 9",
	  .nusd = 82000 },
	{ .label = "Cohere, tokens alone",
	  .dialect = USAGE_COHERE,
	  .objects = { "{\"tokens\":{\"input_tokens\":75,"
		       "\"output_tokens\":12}}" },
	  .want = "in 75 out 12",
	  .nusd = 246000 },
	{ .label = "Cohere, embeddings",
	  .dialect = USAGE_COHERE,
	  .needs = USAGE_NEEDS_INPUT,
	  .objects = { "{\"api_version\":{\"version\":\"2\"},"
		       "\"billed_units\":{\"input_tokens\":2}}" },
	  .want = "in 2",
	  .nusd = 4000 },
	{ .label = "Cohere, rerank",
	  .dialect = USAGE_COHERE,
	  .needs = USAGE_NEEDS_ANY,
	  .objects = { "{\"billed_units\":{\"search_units\":1}}" },
	  .want = "searches 1",
	  .nusd = 10000000 },
	{ .label = "Tencent: its cached tokens are a string",
	  .dialect = USAGE_TENCENT,
	  .objects = { "{\"PromptTokens\":10,\"CompletionTokens\":2,"
		       "\"TotalTokens\":12,\"PromptTokensDetails\":"
		       "{\"CachedTokens\":\"4\"}}" },
	  .want = "in 6 cache_read 4 out 2",
	  .nusd = 30000 }, /* 12,000 + 2,000 + 16,000 */
	{ .label = "Coze",
	  .dialect = USAGE_COZE,
	  .objects = { "{\"token_count\":633,\"output_count\":19,"
		       "\"input_count\":614}" },
	  .want = "in 614 out 19",
	  .nusd = 1380000 },

	/* --- parts that are more than their whole ------------------------- */
	{ .label = "all zeros are a word",
	  .dialect = USAGE_OPENAI,
	  .objects = { "{\"prompt_tokens\":0,\"completion_tokens\":0}" },
	  .want = "in 0 out 0",
	  .nusd = 0 },
	{ .label = "more cached than there is",
	  .dialect = USAGE_OPENAI,
	  .objects = { "{\"prompt_tokens\":56322,\"completion_tokens\":1,"
		       "\"cached_tokens\":72960}" },
	  .want = "in 0 cache_read 56322 out 1",
	  .flag = FLAG_CLAMPED,
	  .nusd = 28169000 }, /* 56,322 x 500 + 8,000 */
	{ .label = "more cached and written than there is",
	  .dialect = USAGE_GEMINI,
	  .objects = { "{\"promptTokenCount\":3,\"cachedContentTokenCount\":9,"
		       "\"candidatesTokenCount\":1}" },
	  .want = "in 0 cache_read 3 out 1",
	  .flag = FLAG_CLAMPED,
	  .nusd = 9500 },
	{ .label = "read and written overlap",
	  .dialect = USAGE_OPENAI,
	  .objects = { "{\"prompt_tokens\":10,\"completion_tokens\":0,"
		       "\"prompt_tokens_details\":{\"cached_tokens\":8,"
		       "\"cache_write_tokens\":8}}" },
	  .want = "in 0 cache_read 8 cache_write 2 out 0",
	  .flag = FLAG_CLAMPED,
	  .nusd = 9000 },
	{ .label = "more reasoning than output",
	  .dialect = USAGE_OPENAI,
	  .objects = { "{\"prompt_tokens\":1,\"completion_tokens\":5,"
		       "\"completion_tokens_details\":"
		       "{\"reasoning_tokens\":8,\"audio_tokens\":2}}" },
	  .want = "in 1 out 5 reasoning 3 audio_out 2",
	  .flag = FLAG_CLAMPED,
	  .nusd = 192000 }, /* 2,000 + 30,000 + 160,000 */
	{ .label = "more written for an hour than written",
	  .dialect = USAGE_ANTHROPIC,
	  .objects = { "{\"input_tokens\":1,\"output_tokens\":1,"
		       "\"cache_creation_input_tokens\":10,\"cache_creation\":"
		       "{\"ephemeral_5m_input_tokens\":5,"
		       "\"ephemeral_1h_input_tokens\":20}}" },
	  .want = "in 1 cache_write 0 cache_write_1h 10 out 1",
	  .flag = FLAG_CLAMPED,
	  .nusd = 50000 },
	{ .label = "more sound than prompt",
	  .dialect = USAGE_OPENAI,
	  .objects = { "{\"prompt_tokens\":5,\"completion_tokens\":0,"
		       "\"prompt_tokens_details\":{\"audio_tokens\":7,"
		       "\"image_tokens\":1}}" },
	  .want = "in 5 out 0 audio_in 5 image_in 0",
	  .flag = FLAG_CLAMPED,
	  .nusd = 200000 },
	{ .label = "what sound was cached is not said",
	  .dialect = USAGE_OPENAI,
	  .objects = { "{\"prompt_tokens\":10,\"completion_tokens\":0,"
		       "\"prompt_tokens_details\":{\"audio_tokens\":9,"
		       "\"cached_tokens\":4}}" },
	  .want = "in 6 cache_read 4 out 0 audio_in 6",
	  .nusd = 242000 }, /* 6 x 40,000 + 4 x 500 */
};

static void shorten(const char *s, struct buf *out)
{
	for (; *s; s++)
		if (!strncmp(s, "_tok=", 5)) {
			buf_char(out, ' ');
			s += 4;
		} else if (*s == '=') {
			buf_char(out, ' ');
		} else if (*s != ' ' || out->len) {
			buf_char(out, *s);
		}
}

static void print(const struct usage *u, struct buf *out)
{
	struct buf b;

	buf_init(&b, 4096);
	usage_print(u, &b);
	shorten(b.len ? b.p : "", out);
	buf_release(&b);
}

static enum usage_result hear(const struct published *p, struct usage *u)
{
	enum usage_result result = USAGE_SAID_NOTHING;
	struct usage_heard h;

	usage_heard_init(&h);
	for (int i = 0; i < 3 && p->objects[i]; i++)
		result = usage_hear(p->dialect, p->needs, str_of(p->objects[i]),
				    &h, u);
	return result;
}

static void every_dialect_is_counted(void **state)
{
	struct usage u;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	for (size_t i = 0; i < COUNT(published); i++) {
		const struct published *p = &published[i];

		row("%s", p->label);
		buf_clear(&b);
		ROW_INT(hear(p, &u), USAGE_GOOD);
		print(&u, &b);
		ROW_STR(b.p, p->want);
		ROW_INT(u.flag, p->flag);
		ROW_INT(u.tier, p->tier);
		ROW_INT(u.source, USAGE_UPSTREAM);
		ROW_TRUE(usage_sane(&u));
	}
	buf_release(&b);
	rows_done();
}

/* As above; a price is for a million, for an hour, for one. */
static const struct price_line sheet[] = {
	{ .line = LINE_input, .nusd = 2000 * 1000000LL },
	{ .line = LINE_cache_read, .nusd = 500 * 1000000LL },
	{ .line = LINE_cache_write_5m, .nusd = 2500 * 1000000LL },
	{ .line = LINE_cache_write_1h, .nusd = 4000 * 1000000LL },
	{ .line = LINE_output, .nusd = 8000 * 1000000LL },
	{ .line = LINE_reasoning, .nusd = 10000 * 1000000LL },
	{ .line = LINE_audio_in, .nusd = 40000 * 1000000LL },
	{ .line = LINE_audio_out, .nusd = 80000 * 1000000LL },
	{ .line = LINE_cached_audio, .nusd = 2500 * 1000000LL },
	{ .line = LINE_image_in, .nusd = 10000 * 1000000LL },
	{ .line = LINE_image_out, .nusd = 30000 * 1000000LL },
	{ .line = LINE_cached_image, .nusd = 1000 * 1000000LL },
	{ .line = LINE_time, .nusd = 100 * 3600000LL },
	{ .line = LINE_character, .nusd = 15000 * 1000000LL },
	{ .line = LINE_image, .nusd = 40000000 },
	{ .line = LINE_search, .nusd = 10000000 },
	{ .line = LINE_fetch, .nusd = 1000000 },
};

static void it_costs_what_was_worked_out_by_hand(void **state)
{
	struct price_line lines[COUNT(sheet)];
	struct book_price price = { .id = 1,
				    .lines = lines,
				    .n_lines = COUNT(lines) };
	struct usage u;
	struct bill bill;

	(void)state;
	for (size_t i = 0; i < COUNT(sheet); i++) {
		lines[i] = sheet[i];
		lines[i].variant = "";
	}
	for (size_t i = 0; i < COUNT(published); i++) {
		int64_t sum = 0;

		row("%s", published[i].label);
		hear(&published[i], &u);
		bill_make(&price, &u, PPM, &bill);
		for (int k = 0; k < bill.n; k++)
			sum += bill.lines[k].amount_nusd;
		ROW_INT(bill.amount_nusd, published[i].nusd);
		ROW_INT(sum, published[i].nusd);
		ROW_TRUE(!bill.clamped); /* it was, before it came here */
	}
	rows_done();
}

static const struct {
	const char *label, *object;
	enum usage_dialect dialect;
	enum usage_result want;
	enum usage_flag flag;
} refused[] = {
	{ "nothing", "{}", USAGE_OPENAI, USAGE_SAID_NOTHING, FLAG_NONE },
	{ "nulls", "{\"prompt_tokens\":null,\"completion_tokens\":null}",
	  USAGE_OPENAI, USAGE_SAID_NOTHING, FLAG_NONE },
	{ "other things", "{\"cost\":1}", USAGE_OPENAI, USAGE_SAID_NOTHING,
	  FLAG_NONE },
	{ "half", "{\"prompt_tokens\":3}", USAGE_OPENAI, USAGE_UNUSABLE,
	  FLAG_MISSING },
	{ "the other half", "{\"output_tokens\":3}", USAGE_ANTHROPIC,
	  USAGE_UNUSABLE, FLAG_MISSING },
	{ "a total alone", "{\"total_tokens\":3}", USAGE_OPENAI, USAGE_UNUSABLE,
	  FLAG_MISSING },
	{ "negative", "{\"prompt_tokens\":-3,\"completion_tokens\":3}",
	  USAGE_OPENAI, USAGE_UNUSABLE, FLAG_ABSURD },
	{ "a part is negative",
	  "{\"prompt_tokens\":3,\"completion_tokens\":3,\"cached_tokens\":-1}",
	  USAGE_OPENAI, USAGE_UNUSABLE, FLAG_ABSURD },
	{ "a string", "{\"prompt_tokens\":\"3\",\"completion_tokens\":3}",
	  USAGE_OPENAI, USAGE_UNUSABLE, FLAG_ABSURD },
	{ "an object", "{\"prompt_tokens\":{},\"completion_tokens\":3}",
	  USAGE_OPENAI, USAGE_UNUSABLE, FLAG_ABSURD },
	{ "true", "{\"prompt_tokens\":true,\"completion_tokens\":3}",
	  USAGE_OPENAI, USAGE_UNUSABLE, FLAG_ABSURD },
	{ "a fraction", "{\"prompt_tokens\":3.5,\"completion_tokens\":3}",
	  USAGE_OPENAI, USAGE_UNUSABLE, FLAG_ABSURD },
	{ "10^18",
	  "{\"prompt_tokens\":1000000000000000000,\"completion_tokens\":3}",
	  USAGE_OPENAI, USAGE_UNUSABLE, FLAG_ABSURD },
	{ "1e30", "{\"prompt_tokens\":1e30,\"completion_tokens\":3}",
	  USAGE_OPENAI, USAGE_UNUSABLE, FLAG_ABSURD },
	{ "a sum above what can be",
	  "{\"promptTokenCount\":1,\"candidatesTokenCount\":1000000000000,"
	  "\"thoughtsTokenCount\":1}",
	  USAGE_GEMINI, USAGE_UNUSABLE, FLAG_ABSURD },
	{ "seconds below zero", "{\"seconds\":-1}", USAGE_OPENAI,
	  USAGE_UNUSABLE, FLAG_ABSURD },
	{ "seconds with an exponent", "{\"seconds\":1e2}", USAGE_OPENAI,
	  USAGE_UNUSABLE, FLAG_ABSURD },
	{ "digits that are none",
	  "{\"PromptTokensDetails\":{\"CachedTokens\":\"four\"}}",
	  USAGE_TENCENT, USAGE_UNUSABLE, FLAG_ABSURD },
	{ "a list's element is negative",
	  "{\"promptTokensDetails\":[{\"modality\":\"AUDIO\","
	  "\"tokenCount\":-5}]}",
	  USAGE_GEMINI, USAGE_UNUSABLE, FLAG_ABSURD },
	{ "not JSON", "{\"prompt_tokens\":", USAGE_OPENAI, USAGE_UNUSABLE,
	  FLAG_ABSURD },
};

static void what_cannot_be_is_refused(void **state)
{
	struct usage_heard h;
	struct usage u;

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		row("%s", refused[i].label);
		usage_heard_init(&h);
		ROW_INT(usage_hear(refused[i].dialect, USAGE_NEEDS_BOTH,
				   str_of(refused[i].object), &h, &u),
			refused[i].want);
		ROW_INT(u.flag, refused[i].flag);
		ROW_INT(u.source, USAGE_NONE);
	}
	rows_done();
}

static void a_bad_object_changes_nothing(void **state)
{
	struct usage_heard h;
	struct usage u;

	(void)state;
	usage_heard_init(&h);
	assert_true(usage_read(USAGE_OPENAI,
			       STR("{\"prompt_tokens\":3,"
				   "\"completion_tokens\":4}"),
			       &h));
	assert_false(usage_read(USAGE_OPENAI,
				STR("{\"prompt_tokens\":9,"
				    "\"completion_tokens\":-4}"),
				&h));
	assert_int_equal(usage_map(&h, USAGE_OPENAI, USAGE_NEEDS_BOTH, &u),
			 USAGE_GOOD);
	assert_int_equal(u.in_tok, 3);
	assert_int_equal(u.out_tok, 4);
}

/* prompt: tokens, bytes; output: tokens, bytes */
#define OWN(pt, pb, ot, ob, ...)                                           \
	{                                                                  \
		.prompt_tok = (pt), .prompt_bytes = (pb), .out_tok = (ot), \
		.out_bytes = (ob), __VA_ARGS__                             \
	}

static const struct {
	const char *label;
	int64_t in, out, reasoning, searches;
	struct usage_own own;
	bool want;
} judged[] = {
	{ "as we counted", 100, 50, -1, -1, OWN(100, 400, 50, 200), true },
	{ "a template more", 3000, 50, -1, -1, OWN(10, 40, 50, 200), true },
	{ "three times and the margin", 34096, 0, -1, -1,
	  OWN(10000, 20000, 0, 0), true },
	{ "one more", 34097, 0, -1, -1, OWN(10000, 20000, 0, 0), false },
	{ "a token a byte", 40000, 0, -1, -1, OWN(10000, 40000, 0, 0), true },
	{ "pictures were not counted", 90000, 0, -1, -1,
	  OWN(10, 40, 0, 0, .more_in = true), true },
	{ "what searches found", 90000, 0, -1, 3, OWN(10, 40, 0, 0), true },
	{ "too much said", 10, 5000, -1, -1, OWN(10, 40, 10, 40), false },
	{ "but it was thinking", 10, 5000, 4900, -1, OWN(10, 40, 10, 40),
	  true },
	{ "more than the context", 200000, 0, -1, -1,
	  OWN(200000, 800000, 0, 0, .context_tok = 128000), false },
	{ "it thought longer than the context", 10, 200000, 199999, -1,
	  OWN(10, 40, 1, 4, .context_tok = 128000), false },
	{ "two choices together may", 10, 200000, 199999, -1,
	  OWN(10, 40, 1, 4, .context_tok = 128000, .choices = 2), true },
	{ "many texts to embed", 200000, -1, -1, -1,
	  OWN(200000, 800000, 0, 0, .context_tok = 8192, .prompts = 100),
	  true },
	{ "no model reads as much", 200000000, 0, -1, -1,
	  OWN(10, 40, 0, 0, .more_in = true), false },
	{ "negative", -2, 1, -1, -1, OWN(10, 40, 1, 4), false },
};

static void it_is_compared_with_our_own_count(void **state)
{
	struct usage u;

	(void)state;
	for (size_t i = 0; i < COUNT(judged); i++) {
		row("%s", judged[i].label);
		usage_init(&u);
		u.in_tok = judged[i].in;
		u.out_tok = judged[i].out;
		u.reasoning_tok = judged[i].reasoning;
		u.searches = judged[i].searches;
		ROW_INT(usage_plausible(&u, &judged[i].own), judged[i].want);
	}
	rows_done();
}

static void what_was_said_is_kept_without_its_spaces(void **state)
{
	char *much = mem_alloc(USAGE_RAW_MAX + 8);
	struct buf b;

	(void)state;
	buf_init(&b, USAGE_RAW_MAX + 1);
	usage_raw(STR("{\n \"a b\" : 1,\t\"c\\\" d\" : \"\\\\\" }"), &b);
	assert_string_equal(b.p, "{\"a b\":1,\"c\\\" d\":\"\\\\\"}");
	memset(much, '1', USAGE_RAW_MAX);
	usage_raw(str_of(much), &b);
	assert_int_equal(b.len, USAGE_RAW_MAX);
	assert_true(buf_ok(&b));
	much[USAGE_RAW_MAX] = '1';
	usage_raw(str_of(much), &b);
	assert_int_equal(b.len, 0);
	assert_true(buf_ok(&b));
	buf_release(&b);
	free(much);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_dialect_is_counted),
		cmocka_unit_test(it_costs_what_was_worked_out_by_hand),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(a_bad_object_changes_nothing),
		cmocka_unit_test(it_is_compared_with_our_own_count),
		cmocka_unit_test(what_was_said_is_kept_without_its_spaces),
	};

	return cmocka_run_group_tests_name("usage", tests, NULL, NULL);
}
