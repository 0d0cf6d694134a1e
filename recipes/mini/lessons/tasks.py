"""Short, exactly obeyed instructions: lists, translation, facts, small sums, rewriting, constraints, JSON, reading."""
from .classification import few_shot, odd_one_out, sentiment, topic, which_language, word_category
from .constraints import begin_end, ends_with, exclamation, n_sentences, no_commas, one_word, use_word, yes_no
from .explaining import difference, tips, why
from .formats import json_task
from .letters import notes
from .lists import list_items, one_item
from .questions import capitals, colors_legs, facts, sounds
from .reading import reading, summarize
from .rewriting import (alphabetical, change_case, fix_spelling, in_quotes, make_past, make_polite, make_question,
                        repeat_exactly, repeat_times, replace_word, reverse_words, shorten)
from .sums import arithmetic, compare_numbers, continue_list, count_items, sort_numbers, word_problem
from .translation import translate_sentence, translate_word
from .vocabulary import define, measure, opposites, past_tense, plural, rhymes

KINDS = {
    "list": (8, list_items),
    "one_item": (3, one_item),
    "translate_word": (5, translate_word),
    "translate_sentence": (8, translate_sentence),
    "define": (4, define),
    "facts": (6, facts),
    "capitals": (2, capitals),
    "colors_legs": (2, colors_legs),
    "opposites": (3, opposites),
    "plural": (2, plural),
    "past_tense": (2, past_tense),
    "measure": (2, measure),
    "rhymes": (2, rhymes),
    "sounds": (1, sounds),
    "word_category": (3, word_category),
    "odd_one_out": (3, odd_one_out),
    "continue": (3, continue_list),
    "arithmetic": (5, arithmetic),
    "compare_numbers": (2, compare_numbers),
    "count_items": (2, count_items),
    "sort_numbers": (2, sort_numbers),
    "word_problem": (4, word_problem),
    "repeat_exactly": (5, repeat_exactly),
    "repeat_times": (2, repeat_times),
    "change_case": (3, change_case),
    "alphabetical": (2, alphabetical),
    "make_polite": (1, make_polite),
    "make_question": (2, make_question),
    "make_past": (2, make_past),
    "fix_spelling": (2, fix_spelling),
    "replace_word": (3, replace_word),
    "reverse_words": (2, reverse_words),
    "in_quotes": (1, in_quotes),
    "shorten": (2, shorten),
    "one_word": (3, one_word),
    "yes_no": (4, yes_no),
    "use_word": (4, use_word),
    "ends_with": (3, ends_with),
    "begin_end": (3, begin_end),
    "n_sentences": (4, n_sentences),
    "no_commas": (2, no_commas),
    "exclamation": (2, exclamation),
    "json": (4, json_task),
    "reading": (8, reading),
    "summarize": (3, summarize),
    "sentiment": (4, sentiment),
    "topic": (2, topic),
    "which_language": (2, which_language),
    "few_shot": (3, few_shot),
    "tips": (5, tips),
    "difference": (2, difference),
    "why": (2, why),
    "notes": (4, notes),
}
