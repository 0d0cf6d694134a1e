# Two servers over one PostgreSQL database are one chat app: what one makes the other shows, follows, stops,
# and carries on when the first is killed.
command -v python3 >/dev/null || { echo "skipped: python3 is not installed"; exit 77; }
. "$PARLEY_SOURCE_DIR/tests/postgres.bash"
context=65536
. "$PARLEY_SOURCE_DIR/tests/tiny_chat.bash"

declare -A server=()
end() {
  kill -9 "${server[@]}" 2>/dev/null || true
  postgres_end
}
trap end EXIT
# serve NAME: its port in port.NAME once it answers.
serve() {
  rm -f "port.$1"
  "$PARLEY" serve --model tiny=sft/model --max-sequences 8 --kv-mb 64 --users on --database "$postgres_url" \
    --port 0 --port-file "port.$1" --access-log off 2>>"serve.$1.log" & server[$1]=$!
}
wait_for() {
  until [ -s "port.$1" ]; do kill -0 "${server[$1]}" || { cat "serve.$1.log" >&2; exit 1; }; sleep 0.05; done
}

cat >client.py <<'PY'
import http.client, json, os, signal, subprocess, sys, threading, time
from concurrent.futures import ThreadPoolExecutor

part, psql = sys.argv[1], sys.argv[3:]
ENDED = 3  # exit code: the server was killed too late
TRIES = 20  # the model may end an answer at any token: then another question
pool = ThreadPoolExecutor(8)


def request(where, person, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", int(open(f"port.{where}").read()), timeout=60)
    data = None if body is None else json.dumps(body)
    connection.request(method, "/app/api" + path, data, {**person, "Content-Type": "application/json"})
    answer = connection.getresponse()
    if (cookie := answer.getheader("Set-Cookie")):
        person["Cookie"] = cookie.split(";")[0]
    result = json.loads(answer.read())
    if "csrf" in result:
        person["X-CSRF-Token"] = result["csrf"]
    return answer.status, result


def call(where, method, path, body=None):
    status, result = request(where, me, method, path, body)
    assert status < 300, (where, method, path, status, result)
    return result


# A message as it is in the database.
def stored(message):
    assert message.replace("-", "").replace("_", "").isalnum(), message
    sql = f"SELECT json_build_object('content', content, 'status', status) FROM messages WHERE id = '{message}'"
    return json.loads(subprocess.run([*psql, sql], check=True, capture_output=True).stdout)


def utf16(text):
    return len(text.encode("utf-16-le")) // 2


# One reader of an answer, in a thread: what it has, in `text` and `pieces`; in the end `message`.
class Follow(threading.Thread):
    def __init__(self, where, message, start="", until=None):
        super().__init__()
        self.where, self.id, self.text, self.until = where, message, start, until
        self.pieces, self.message, self.error = 0, None, None
        self.start()

    def run(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", int(open(f"port.{self.where}").read()), timeout=60)
            path = f"/app/api/messages/{self.id}/stream?from={utf16(self.text)}"
            connection.request("GET", path, headers=me)
            for line in connection.getresponse():
                if not line.startswith(b"data:"):
                    continue
                event = json.loads(line[5:])
                kind = event.get("type")
                if kind == "done":
                    self.message = event["message"]
                    return
                if kind != "delta" or event["offset"] != utf16(self.text):
                    self.error = f"{event} after {utf16(self.text)}"
                    return
                self.text += event["text"]
                self.pieces += 1
                if self.until and len(self.text) > self.until:
                    return
        except (http.client.HTTPException, ConnectionError):
            pass  # the server is gone

    # Its end: the message.
    def done(self):
        self.join(60)
        assert not self.error, self.error
        assert self.message, f"no end of the stream of {self.where}"
        assert self.text == self.message["content"], (len(self.text), len(self.message["content"]))
        return self.message


# A new chat, and the first answer of it, under way at `where`.
def ask(where, max_tokens):
    chat = call(where, "POST", "/conversations", {"params": {"max_tokens": max_tokens}})["id"]
    body = {"parent": None, "content": "fox dog tree?", "documents": [], "answers": 1}
    return chat, call(where, "POST", f"/conversations/{chat}/messages", body)["answers"][0]["id"]


# The first of some answers that do not end too early: what `check` says of it.
def first(check):
    for _ in range(TRIES):
        if (result := check()) is not None:
            return result
    raise AssertionError(f"{TRIES} answers of the model ended too early")


def check_end(message):
    now = stored(message["id"])
    assert (now["status"], now["content"]) == (message["status"], message["content"]), (
        now["status"], message["status"], len(now["content"]), len(message["content"]))
    return message


# Of those that sign up first, at both servers at once, one is the administrator.
def sign_up():
    def attempt(where):
        person = {}
        request(where, person, "GET", "/session")
        return person, request(where, person, "POST", "/signup", {"name": f"ada {where}", "password": "correct horse"})

    results = list(pool.map(attempt, "ab"))
    assert sorted(status for _, (status, _) in results) == [200, 403], results
    person = next(person for person, (status, _) in results if status == 200)
    json.dump(person, open("person.json", "w"))
    return person


def shared_pages():
    sessions = [call(where, "GET", "/session")["user"] for where in "ab"]
    assert sessions[0] == sessions[1] and sessions[0]["role"] == "admin", sessions
    other = {}
    request("b", other, "GET", "/session")
    status, refused = request("b", other, "POST", "/signup", {"name": "eve", "password": "correct horse battery"})
    assert (status, refused["error"]["code"]) == (403, "bad_invitation"), refused
    code = call("a", "POST", "/invitations", {})["code"]
    status, _ = request("b", other, "POST", "/signup", {"name": "eve", "password": "tr0ub4dor&3", "invitation": code})
    assert status == 200

    chat, answer = ask("a", 20)
    Follow("a", answer).done()
    titles = {one["id"]: one["title"] for one in call("b", "GET", "/conversations")["conversations"]}
    assert titles[chat] == "fox dog tree?", titles
    assert call("b", "GET", f"/conversations/{chat}") == call("a", "GET", f"/conversations/{chat}")
    # It goes on through the other server.
    body = {"parent": answer, "content": "bird 狐狸?", "documents": [], "answers": 1}
    more = call("b", "POST", f"/conversations/{chat}/messages", body)["answers"][0]["id"]
    Follow("b", more).done()
    assert len(call("a", "GET", f"/conversations/{chat}")["messages"]) == 4
    assert request("a", other, "GET", f"/conversations/{chat}")[0] == 404
    # Who logs out of one is logged out of both.
    request("b", other, "POST", "/logout")
    assert request("a", other, "GET", "/conversations")[0] == 401


# A reader begins at A, and follows the answer to its end through B.
def followed():
    chat, answer = ask("a", 6000)
    begin = Follow("a", answer, until=500)
    begin.join()
    assert not begin.error, begin.error
    if begin.message:
        return None
    follow = Follow("b", answer, begin.text)
    # Nothing else may be done to it meanwhile.
    body = {"parent": answer, "content": "and?", "documents": [], "answers": 1}
    codes = [request(where, me, "POST", path, data)[1].get("error", {}).get("code") for where in "ab" for path, data in
             [(f"/messages/{answer}/continue", None), (f"/conversations/{chat}/messages", body)]]
    message = check_end(follow.done())
    if follow.pieces < 3:
        return None
    assert codes == ["streaming"] * 4, codes
    assert message["status"] == "done" and message["finish"] in ("stop", "length"), message
    assert call("a", "GET", f"/messages/{answer}") == call("b", "GET", f"/messages/{answer}") == message
    return follow.pieces


# A stop through B of what A writes.
def stopped():
    _, answer = ask("a", 60000)
    readers = [Follow(where, answer) for where in "ab"]
    while not all(reader.text for reader in readers):
        if any(reader.message for reader in readers):
            return None
        time.sleep(0.02)
    began = time.monotonic()
    message = call("b", "POST", f"/messages/{answer}/stop")
    took = time.monotonic() - began
    if message["status"] == "done":
        return None
    assert message["status"] == "stopped", message["status"]
    check_end(message)
    # And so it stays, for everybody.
    assert [reader.done() for reader in readers] == [message, message]
    assert call("a", "POST", f"/messages/{answer}/stop") == message
    return took


# Stops that come about when the answer ends by itself lose nothing of it.
def stopped_late(number):
    _, answer = ask("a", 200)
    reader = Follow("a", answer)
    time.sleep(0.03 * number)
    message = call("b", "POST", f"/messages/{answer}/stop")
    reader.done()
    assert message == check_end(reader.message), (message["status"], reader.message["status"])


# Of what is removed through B, A writes no more.
def removed():
    chat, answer = ask("a", 60000)
    reader = Follow("a", answer)
    while not reader.text:
        if not reader.is_alive():
            return None
        time.sleep(0.02)
    call("b", "DELETE", f"/conversations/{chat}")
    reader.join(10)
    assert not reader.is_alive(), "the answer of a chat that is gone is still written"
    if reader.message:
        return None
    assert reader.error and "not_found" in reader.error, reader.error
    return True


def cut():
    _, answer = ask("a", 60000)
    reader = Follow("b", answer)
    while reader.pieces < 2:
        if reader.message:
            return None
        time.sleep(0.02)
    os.kill(int(sys.argv[2]), signal.SIGKILL)
    # B looks twice a second. An answer that had ended was not cut, and there is nobody left to ask at A.
    reader.join(3)
    if reader.message:
        sys.exit(ENDED)
    json.dump({"answer": answer, "killed": time.time()}, open("cut.json", "w"))
    return True


def written_here_read_there():
    chat, answer = ask("b", 20)
    Follow("a", answer).done()
    here, there = "ab"
    for number in range(2):
        memory = call(here, "POST", "/memories", {"text": f"I like rivers {number}."})
        assert memory in call(there, "GET", "/memories")["memories"]
        call(there, "PATCH", f"/memories/{memory['id']}", {"enabled": False})
        memories = {one["id"]: one for one in call(here, "GET", "/memories")["memories"]}
        assert memories[memory["id"]]["enabled"] is False
        for draft in ("new", chat):
            call(here, "PUT", f"/conversations/{draft}/draft", {"text": f"half 想 {number}"})
            assert call(there, "GET", f"/conversations/{draft}/draft") == {"text": f"half 想 {number}"}
        rating = call(here, "POST", "/feedback", {"kind": "rating", "message": answer, "rating": 1 - 2 * number})
        assert call(there, "GET", f"/messages/{answer}")["feedback"] == [rating]
        assert [one["id"] for one in call(there, "GET", "/feedback")["feedback"]] == [rating["id"]]
        here, there = there, here
    # Both at once: one rating.
    rate = {"kind": "rating", "message": answer, "rating": 1}
    list(pool.map(lambda where: call(where, "POST", "/feedback", rate), "abababab"))
    assert len(call("a", "GET", f"/messages/{answer}")["feedback"]) == 1


# Changes of different fields at the same time both stay.
def changed_at_once():
    chat = call("a", "POST", "/conversations", {})["id"]
    barrier = threading.Barrier(4)

    def change(where, method, path, body):
        barrier.wait()
        call(where, method, path, body)

    for number in range(40):
        params, archived = {"max_tokens": 100 + number}, number % 2 == 0
        theme, language = ("dark", "light")[number % 2], ("zh", "en")[number % 2]
        jobs = [("a", "PATCH", f"/conversations/{chat}", {"system": f"Be brief {number}.", "archived": archived}),
                ("b", "PATCH", f"/conversations/{chat}", {"title": f"Title {number}", "params": params}),
                ("a", "PUT", "/settings", {"theme": theme}),
                ("b", "PUT", "/settings", {"language": language})]
        for job in [pool.submit(change, *job) for job in jobs]:
            job.result()
        now = call("a", "GET", f"/conversations/{chat}")
        got = [now[name] for name in ("system", "archived", "title", "params")]
        assert got == [f"Be brief {number}.", archived, f"Title {number}", params], (number, got)
        now = call("b", "GET", "/session")["settings"]
        assert (now["theme"], now["language"]) == (theme, language), (number, now)


# What the killed server wrote is marked, and goes on: at one of the servers, not at both.
def goes_on():
    made = json.load(open("cut.json"))
    answer = made["answer"]
    message = check_end(Follow("b", answer).done())
    assert message["status"] == "interrupted" and message["content"], message
    waited = time.time() - made["killed"]
    assert 12 < waited < 30, waited
    results = list(pool.map(lambda where: request(where, me, "POST", f"/messages/{answer}/continue")[0], "abab"))
    assert sorted(results) == [200, 409, 409, 409], results
    reader = Follow("b", answer)
    while reader.is_alive() and len(reader.text) < len(message["content"]) + 20:
        time.sleep(0.02)
    ended = call("b", "POST", f"/messages/{answer}/stop")
    assert ended["status"] in ("stopped", "done") and ended["content"].startswith(message["content"]), ended
    assert check_end(reader.done()) == ended
    return waited


if part == "write":
    me = sign_up()
    shared_pages()
    print(f"followed through the other server: {first(followed)} pieces")
    print("stopped through the other server: " + ", ".join(f"{first(stopped):.2f} s" for _ in range(3)))
    for number in range(8):
        stopped_late(number)
    first(removed)
elif part == "cut":
    me = json.load(open("person.json"))
    first(cut)
else:
    me = json.load(open("person.json"))
    written_here_read_there()
    changed_at_once()
    print(f"what a killed server wrote is marked after {goes_on():.0f} s")
PY
client() {
  python3 client.py "$@" "$postgres_bin/psql" -h "$postgres" -U parley -d postgres -XqtAc
}

# Both at once make the tables.
serve a; serve b
wait_for a; wait_for b
client write 0
for _ in 1 2 3 4 5 6 7 8; do
  cut=0
  client cut "${server[a]}" || cut=$?
  [ "$cut" = 0 ] || [ "$cut" = 3 ] || exit "$cut"
  wait "${server[a]}" || true
  serve a
  wait_for a
  [ "$cut" = 3 ] || break
done
[ "$cut" = 0 ] || { echo "eight answers had ended before their server was killed"; exit 1; }
client check 0
for name in a b; do
  kill "${server[$name]}"
  wait "${server[$name]}"
done
