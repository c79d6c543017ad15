# Takes the commands out of a Markdown file, as they stand there: each command of a block ```sh on=MACHINES, with
# its here-document, goes to a file NNN-command in the folder `out`; NNN-machines has the machines that it is for,
# NNN-place the line it stands on, NNN-answer what stands behind "# →".
function finish() {
  if (command == "") return
  number = sprintf("%s/%03d", out, ++count)
  answer = ""
  first = command
  sub(/\n.*/, "", first)
  if (match(first, /# → /)) answer = substr(first, RSTART + RLENGTH)
  printf "%s", command >(number "-command")
  print machines >(number "-machines")
  print FILENAME ":" line >(number "-place")
  print answer >(number "-answer")
  command = ""
}
/^```sh on=/ { machines = $2; sub(/^on=/, "", machines); gsub(/,/, " ", machines); inside = 1; next }
/^```/ && inside { finish(); inside = 0; next }
!inside || /^$/ && ending == "" { next }
{
  if (command == "") line = FNR
  command = command $0 "\n"
  if (ending != "") {
    if ($0 == ending) { ending = ""; finish() }
    next
  }
  if (match($0, /<<'[A-Z]+'/)) { ending = substr($0, RSTART + 3, RLENGTH - 4); next }
  if ($0 !~ /\\$/) finish()
}
