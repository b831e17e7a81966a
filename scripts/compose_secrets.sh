#!/bin/sh
# Make the secrets that docker-compose.yml names, in .secrets beside it: a random password for each login, once.
# The files can be read by the containers' users; the folder lets nobody else on this machine in.
set -eu
folder=${1:-"$(dirname "$0")/../.secrets"}
mkdir -p "$folder"
chmod 700 "$folder"
for name in prorata owner service projector relay consumer reader monitor; do
    [ -s "$folder/$name" ] && continue
    head -c 24 /dev/urandom | base64 | tr '+/' '-_' > "$folder/$name"
    chmod 644 "$folder/$name"
done
