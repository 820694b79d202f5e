ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY mock_sts ./mock_sts
COPY fixtures ./fixtures
RUN python3 -m venv --without-pip /opt/venv \
 && pip --python /opt/venv/bin/python3 install --no-compile --constraint constraints.txt . \
 && python3 -m compileall -q /opt/venv/lib

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="Mock HelseID STS" \
      org.opencontainers.image.description="An offline emulator of HelseID for tests. Not affiliated with or endorsed by Norsk Helsenett." \
      org.opencontainers.image.licenses="MIT"
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MOCK_STS_HOST=0.0.0.0 \
    MOCK_STS_DATABASE_URL=sqlite:////data/mock-sts.sqlite
RUN groupadd --gid 10001 mock-sts \
 && useradd --uid 10001 --gid mock-sts --no-create-home --home-dir /data --shell /usr/sbin/nologin mock-sts \
 && install -d -o mock-sts -g mock-sts /data
COPY --from=build /opt/venv /opt/venv
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
EXPOSE 8080
HEALTHCHECK --interval=2s --timeout=3s --start-period=10s --retries=5 CMD ["mock-sts", "health"]
ENTRYPOINT ["mock-sts"]
CMD ["serve"]
