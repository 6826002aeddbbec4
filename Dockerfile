# The suite as one static binary, and nothing else but certificates and the list of what it is made of. `cargo xtask image`
# builds the second stage from what it staged itself, so that no daemon and no other image is needed, and looks at the result.

FROM rust:1.95-bookworm AS build
WORKDIR /korob
COPY . .
RUN cargo xtask image --stage /staged

FROM scratch
COPY --from=build /staged /
# Where the all-in-one keeps addresses: the only place that is written, and a volume wherever the root is read-only.
COPY --from=build --chown=65532:65532 /staged/var/lib/korob /var/lib/korob
USER 65532:65532
ENV KOROB__DATA_DIR=/var/lib/korob \
    KOROB__GATEWAY__LISTEN=0.0.0.0:8080 \
    KOROB__OPS__LISTEN=0.0.0.0:9090
EXPOSE 8080 9090
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s CMD ["/korob", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/korob"]
CMD ["up"]
