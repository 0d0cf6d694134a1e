# Sourced by recipes, in the run's folder, with the program's path in $parley.
#
# stage NAME COMMAND FLAGS...: `parley COMMAND FLAGS --out NAME`, unless its model is there; a run that
# was stopped goes on. Its seconds go to times.txt.
stage() {
  local name=$1 command=$2 start=$SECONDS
  shift 2
  if [ -e "$name/model/config.json" ]; then return; fi
  echo "== $name"
  if [ -e "$name/config.json" ]; then
    "$parley" "$command" --resume --out "$name"
  else
    "$parley" "$command" "$@" --out "$name"
  fi
  echo "$name $((SECONDS - start))" >>times.txt
}
