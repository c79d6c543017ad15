#!/usr/bin/env bash
# Makes an authority and a certificate each for the ZooKeeper server, nerve and synapse, to try this out.
# Usage: certificates.sh FOLDER [SERVER-ADDRESS]
set -euo pipefail
folder=${1:?usage: certificates.sh FOLDER [SERVER-ADDRESS]}
address=${2:-127.0.0.1}
umask 077
mkdir -p "$folder"
cd "$folder"
key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)

openssl req -x509 "${key[@]}" -keyout ca.key -out ca.pem -subj '/CN=SmartStack example authority' -days 30

sign() {
  openssl req "${key[@]}" -keyout "$1.key" -out "$1.csr" -subj "/CN=$1"
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out "$1.pem" \
    -extfile <(echo "$2") 2>/dev/null
  rm "$1.csr"
}
sign zookeeper "subjectAltName=IP:$address"
sign nerve 'extendedKeyUsage=clientAuth'
sign synapse 'extendedKeyUsage=clientAuth'
cat zookeeper.key zookeeper.pem >zookeeper-store.pem # ZooKeeper wants both in one file
