/* SPDX-License-Identifier: MIT */

#include "../cmocka_all.h"

#include "base/util.h"
#include "base/words.h"

#include <string.h>

/* The words of @text with a bar between them; the sentence if there are none. */
static const char *split(const char *text, char out[REASON_MAX])
{
	struct reason reason;
	struct words words;
	struct buf all = {.p = out, .cap = REASON_MAX, .max = REASON_MAX - 1};

	if (words_split(span_str(text), &words, &reason) < 0) {
		assert_null(words.v);
		memcpy(out, reason.text, REASON_MAX);
		return out;
	}
	assert_null(words.v[words.n]);
	for (size_t i = 0; i < words.n; i++)
		buf_printf(&all, "%s%s", i ? "|" : "", words.v[i]);
	words_fini(&words);
	assert_false(all.failed);
	out[all.n] = '\0';
	return out;
}

static void white_space_separates_words(void **state)
{
	(void)state;
	char out[REASON_MAX];

	assert_string_equal(split("/usr/bin/tr a-z A-Z", out), "/usr/bin/tr|a-z|A-Z");
	assert_string_equal(split("  a\t b \n", out), "a|b");
	assert_string_equal(split("a", out), "a");
	assert_string_equal(split("", out), "");
	assert_string_equal(split(" ", out), "");
}

static void quotes_keep_a_word_together(void **state)
{
	(void)state;
	char out[REASON_MAX];

	assert_string_equal(
		split("sh -c 'read x; echo \"$x\"'", out), "sh|-c|read x; echo \"$x\"");
	assert_string_equal(split("\"a b\"c", out), "a bc");
	assert_string_equal(split("\"it's\" 'a\\b'", out), "it's|a\\b");
	assert_string_equal(split("a\\ b \"c\\\"d\\\\\"", out), "a b|c\"d\\");
	assert_string_equal(split("a '' \"\"", out), "a||");
}

static void what_is_not_ended_is_a_sentence(void **state)
{
	(void)state;
	const char *sentence = "a quote or a backslash has nothing behind it";
	char out[REASON_MAX];

	assert_string_equal(split("a 'b", out), sentence);
	assert_string_equal(split("a \"b", out), sentence);
	assert_string_equal(split("a \"b\\\"", out), sentence);
	assert_string_equal(split("a\\", out), sentence);
}

static void words_put_together_read_back_the_same(void **state)
{
	(void)state;
	static const char *const words[] = {
		"tr", "", "a b", "it's", "say \"x\"", "\\", "tab\there", "$HOME", "ü"};
	AUTO_BUF text = BUF_INIT(1000);
	struct words again;

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		words_put(&text, span_str(words[i]));
	assert_int_equal(words_split(buf_span(&text), &again, NULL), 0);

	assert_int_equal(again.n, ARRAY_LEN(words));
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		assert_string_equal(again.v[i], words[i]);
	words_fini(&again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(white_space_separates_words),
		cmocka_unit_test(quotes_keep_a_word_together),
		cmocka_unit_test(what_is_not_ended_is_a_sentence),
		cmocka_unit_test(words_put_together_read_back_the_same),
	};
	return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
