# The container image for people who have Docker: `docker build -t trellis-host .` (the first time takes about
# half an hour, since the Wasm engine is compiled). `make image` builds the last stage without Docker, from the
# same folder of files.
FROM debian:12 AS build
COPY . /src
WORKDIR /src
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends make git ca-certificates
RUN make programs && deploy/image/root.sh build/release /image

FROM scratch AS root
COPY --from=build /image /

FROM scratch
COPY --from=root / /
COPY --from=root --chown=65532:65532 /var/lib/trellis /var/lib/trellis
LABEL org.opencontainers.image.title="Trellis" org.opencontainers.image.licenses="Apache-2.0"
# What is written lies below /var/lib/trellis: mount something there, and the rest can be read-only.
ENV HOME=/var/lib/trellis \
    TRELLIS_DATA_DIR=/var/lib/trellis/data \
    TRELLIS_CACHE_DIR=/var/lib/trellis/code \
    TRELLIS_PROVIDERS_DIR=/var/lib/trellis/providers \
    TRELLIS_ARTIFACT_CACHE_DIR=/var/lib/trellis/artifacts \
    TRELLIS_WRITE_HOST_CONFIG=0 \
    WASMCLOUD_DASHBOARD_HOST=0.0.0.0
WORKDIR /var/lib/trellis
USER 65532:65532
EXPOSE 4000
STOPSIGNAL SIGTERM
# The first process keeps the host: it holds its sockets and starts it again when it is killed.
ENTRYPOINT ["/usr/bin/trellis", "--keep"]
