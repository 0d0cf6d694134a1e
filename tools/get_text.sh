#!/usr/bin/env bash
# Makes a folder of English and Chinese text to train on, out of free documentation that
# Debian packages:   tools/get_text.sh FOLDER
#
# The packages are fetched and unpacked, not installed, so this needs no root and works
# in images that leave documentation out. Licences stand in each package's copyright file
# (GPL, CC BY-SA and the like); the text stays on this machine.
set -euo pipefail
folder=${1:?usage: tools/get_text.sh FOLDER}
tools=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
packages=(debian-handbook developers-reference debian-reference-zh-cn maint-guide-zh-cn fortunes fortunes-zh)

[ ! -e "$folder/.complete" ] || exit 0

if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
  echo "error: this is not a Debian system, so there is no text to fetch. Bring your own: --data FOLDER" >&2
  exit 1
fi
"$tools/install_packages.sh" text

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "Fetching text to train on (Debian packages, 40 MB): ${packages[*]}" >&2
# As root apt drops its rights to the user _apt, who must be able to write here.
chmod 755 "$work"
fetch() { (cd "$work" && apt-get -qq -o APT::Sandbox::User="$(id -un)" download "${packages[@]}") 2>"$work/log"; }
update() {
  if [ "$(id -u)" = 0 ]; then apt-get -qq update; else sudo -n apt-get -qq update; fi >/dev/null 2>&1
}
# A fresh image has no package lists yet.
fetch || { update || true; fetch; } || {
  cat "$work/log" >&2
  echo "error: could not fetch them. Try again with a network, or bring your own text: --data FOLDER" >&2
  exit 1
}
for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/root"; done

share=$work/root/usr/share
rm -rf "$folder.part"
mkdir -p "$folder.part/en" "$folder.part/zh"
to_text() { python3 "$tools/to_text.py" "$@"; }
to_text "$folder.part/en/handbook.jsonl" "$share"/doc/debian-handbook/html/en-US/*.html
to_text "$folder.part/en/developers.jsonl" "$share"/developers-reference/[!dis]*.html
to_text "$folder.part/en/fortunes.jsonl" \
  "$share"/games/fortunes/{computers,cookie,definitions,education,food,humorists,kids,law,linux,miscellaneous,people,platitudes,science,tao,wisdom,work}
to_text "$folder.part/zh/handbook.jsonl" "$share"/doc/debian-handbook/html/zh-CN/*.html
to_text "$folder.part/zh/reference.jsonl" "$share"/debian-reference/ch*.zh-cn.html
to_text "$folder.part/zh/maintainers.jsonl" "$share"/doc/maint-guide-zh-cn/html/*.html
to_text "$folder.part/zh/poems.jsonl" "$share"/games/fortunes/{tang300,song100,chinese}
touch "$folder.part/.complete"
rm -rf "$folder"
mv "$folder.part" "$folder"
echo "Text: $folder ($(du -sh --apparent-size "$folder" | cut -f1))" >&2
