"""Conversations that teach a small model to talk.

Five modules have KINDS, {name: (weight, function(rng, lang) -> [(role, text), ...])}, which write_lessons.py
draws from. Their functions stand in modules of their own:

  talk     conversations, memory, persona, languages, styles, files
           (single turns: small_talk, knowledge, jokes, opinions, fillers; names, memory_facts)
  tasks    lists, translation, vocabulary, questions, classification, sums, rewriting, constraints, formats,
           reading, explaining, letters (asking: how requests are put; sentences: how they are composed)
  stories  plots, poems, dialogues, descriptions
  code     code_fix, code_tools, code_terms (code_snippets: pieces of code)
  safety   refusals, crisis, privacy, injection, honesty

What is said stands in banks/, which bank.py reads: to add a wording, add a line there. words.py reads the words of
both languages; wording.py makes texts of wordings.
"""
