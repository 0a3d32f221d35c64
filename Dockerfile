FROM python:3.11-slim-bookworm AS build
WORKDIR /build
COPY requirements-server.lock pyproject.toml README.md LICENSE docker/install.sh ./
COPY src ./src
RUN sh install.sh /opt/foveal

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="foveal" org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/foveal /opt/foveal
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin foveal && install -d -o 10001 -g 10001 /data
ENV PATH=/opt/foveal/bin:$PATH FOVEAL_CACHE=/opt/foveal/cache PYTHONDONTWRITEBYTECODE=1
USER 10001
VOLUME ["/data"]
EXPOSE 8765
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8765/healthz', timeout=4)"]
# Listening beyond the container needs TLS or a declared proxy: compose.yaml puts one in front.
ENTRYPOINT ["foveal", "serve", "/data", "--port", "8765"]
