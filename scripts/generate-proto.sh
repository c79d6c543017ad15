#!/usr/bin/env bash
# Writes packages/envoy/src/proto from the messages in packages/envoy/proto. Needs protoc (Debian’s protobuf-compiler and libprotobuf-dev) and
# npm; only who changes a message runs it. A unit test holds both to each other, and to the published definitions.
set -euo pipefail
cd "$(dirname "$0")/../packages/envoy"
command -v protoc >/dev/null || {
  echo "cannot generate: no protoc here; apt-get install protobuf-compiler libprotobuf-dev" >&2
  exit 1
}
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
npm install --silent --no-audit --no-fund --prefix "$tools" @bufbuild/protoc-gen-es@2.13.0
rm -rf src/proto
mkdir -p src/proto
find proto -name '*.proto' -printf '%P\n' | sort | xargs protoc --proto_path=proto \
  --plugin="$tools/node_modules/.bin/protoc-gen-es" --es_out=src/proto --es_opt=target=ts,import_extension=ts
# TypeScript's enums are more than types that can be taken away: the same as objects.
find src/proto -name '*.ts' -exec perl -0pi -e '
  s{export enum (\w+) \{(.*?)\n\}}{
    my ($name, $body) = ($1, $2);
    $body =~ s/^(\s*)(\w+) = (\d+),$/$1$2: $3,/mg;
    "export const $name = {$body\n} as const;\nexport type $name = (typeof $name)[keyof typeof $name];"
  }gse' {} +
cd ../..
npx biome check --write packages/envoy/src/proto
