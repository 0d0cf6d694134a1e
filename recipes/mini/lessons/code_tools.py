"""Commands of the shell, SQL queries and regular expressions."""
from . import bank
from .code_snippets import WORDS, closed_up, fence, padded

BANK = bank.Bank("code_tools.txt")

FOLDERS = BANK.words("folders")
FILES = BANK.words("files")
SHELL = BANK.table("shell")
SHELL_CHOICES = {name: BANK.words(name)
                 for name in ("endings", "scripts", "programs", "commands", "packages", "sources")}
WHICH_COMMAND = BANK.phrases("which_command")
WHAT_DOES_COMMAND_DO = BANK.phrases("what_does_command_do")
COMMAND_DOES = BANK.phrases("command_does")
USE_COMMAND = BANK.phrases("use_command")

TABLES = BANK.records("tables")
CHINESE_COLUMNS = BANK.mapping("columns_in_chinese")
SQL = BANK.table("sql")
WHICH_QUERY = BANK.phrases("which_query")
WHAT_DOES_QUERY_DO = BANK.phrases("what_does_query_do")
HERE_IS_QUERY = BANK.phrases("here_is_query")

REGEX = BANK.table("regex")
REGEX_ENDINGS = BANK.words("regex_endings")
WHICH_REGEX = BANK.phrases("which_regex")
WHAT_DOES_REGEX_MATCH = BANK.phrases("what_does_regex_match")
USE_REGEX = BANK.phrases("use_regex")
REGEX_EXAMPLE = BANK.phrases("regex_example")


def chosen_row(rng, rows, slots):
    """One of the rows, filled in."""
    return {column: text.format(**slots) for column, text in rng.choice(rows).items()}


def shell(rng, lang):
    """The command for a task, or what a command does."""
    folder, folder2 = rng.sample(FOLDERS, 2)
    file, file2 = rng.sample(FILES, 2)
    row = chosen_row(rng, SHELL, {
        "folder": folder, "folder2": folder2, "file": file, "file2": file2,
        "count": rng.choice([3, 5, 10, 20, 50]),
        "word": rng.choice(WORDS),
        "ending": rng.choice(SHELL_CHOICES["endings"]),
        "process": rng.randint(300, 9999),
        "script": rng.choice(SHELL_CHOICES["scripts"]),
        "program": rng.choice(SHELL_CHOICES["programs"]),
        "command": rng.choice(SHELL_CHOICES["commands"]),
        "package": rng.choice(SHELL_CHOICES["packages"]),
        "source": rng.choice(SHELL_CHOICES["sources"]),
    })
    command, task, does = row["command"], row[f"task.{lang}"], row[f"does.{lang}"]
    if rng.random() < 0.3:
        question = rng.choice(WHAT_DOES_COMMAND_DO[lang]).format(command=command)
        answer = rng.choice(COMMAND_DOES[lang])
    else:
        question = rng.choice(WHICH_COMMAND[lang])
        if lang == "en":
            question = question.format(task=task)
        else:
            question = closed_up(question.format(task=padded(task)))
        answer = rng.choice(USE_COMMAND[lang])
    answer = answer.format(block=fence(command, "bash"), command=command, does=does)
    return [("user", question), ("assistant", answer)]


def sql(rng, lang):
    """The query for a task, or what a query does."""
    table = rng.choice(TABLES)
    text_column = rng.choice(sorted(set(table) - {"table", "noun", "numbers"}))
    low, high = sorted(rng.sample(range(10, 200, 5), 2))
    number_column = rng.choice(bank.words(table["numbers"]))
    row = chosen_row(rng, SQL, {
        "table": table["table"], "noun": table["noun"], "low": low, "high": high,
        "number_column": number_column, "number_column_zh": CHINESE_COLUMNS[number_column],
        "text_column": text_column, "text_column_zh": CHINESE_COLUMNS[text_column],
        "text": rng.choice(bank.words(table[text_column])),
        "count": rng.choice([3, 5, 10, 20]),
        "letter": rng.choice("ABCDLMRST"),
    })
    task, block = row[f"task.{lang}"], fence(row["query"], "sql")
    if rng.random() < 0.25:
        question = rng.choice(WHAT_DOES_QUERY_DO[lang]) + "\n\n" + block
        return [("user", question), ("assistant", f"It {task}." if lang == "en" else f"它的作用是{task}。")]
    question = rng.choice(WHICH_QUERY[lang]).format(task=task, table=table["table"])
    answer = rng.choice(HERE_IS_QUERY[lang]).format(block=block) if rng.random() < 0.3 else block
    return [("user", question), ("assistant", answer)]


def regex(rng, lang):
    """The regular expression for a kind of text, or what one matches."""
    word, word2 = rng.sample(WORDS, 2)
    count = rng.randint(2, 6)
    row = chosen_row(rng, REGEX, {
        "word": word, "word2": word2, "count": count, "more": count + rng.randint(1, 4),
        "ending": rng.choice(REGEX_ENDINGS), "letter": rng.choice("abcdestxyz"),
    })
    text, pattern = row[f"text.{lang}"], row["pattern"]
    if rng.random() < 0.25:
        question = rng.choice(WHAT_DOES_REGEX_MATCH[lang]).format(pattern=pattern)
        if lang == "en":
            return [("user", question), ("assistant", f"It matches {text}.")]
        return [("user", question), ("assistant", "它匹配" + (" " if text[0].isascii() else "") + text + "。")]
    question = rng.choice(WHICH_REGEX[lang]).format(text=text)
    answer = rng.choice(USE_REGEX[lang]).format(pattern=pattern)
    if row["example"] and rng.random() < 0.4 and not answer.startswith("`"):
        answer += REGEX_EXAMPLE[lang][0].format(example=row["example"])
    return [("user", question), ("assistant", answer)]
