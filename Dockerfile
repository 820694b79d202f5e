ARG PYTHON_IMAGE=python:3.13-slim

# The site of the documentation; nothing else of this stage is kept.
FROM ${PYTHON_IMAGE} AS docs
WORKDIR /src
COPY constraints.txt ./
# constraints.txt has its version.
# hadolint ignore=DL3013
RUN pip install --quiet --no-cache-dir --disable-pip-version-check --root-user-action ignore --constraint constraints.txt zensical
COPY README.md CHANGELOG.md compose.yaml ./
COPY .github ./.github
COPY docs ./docs
COPY examples ./examples
COPY fixtures ./fixtures
COPY mock_sts ./mock_sts
COPY devtools ./devtools
RUN python3 -P devtools/docs_site.py

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
# strip takes 13 MB off the compiled modules. Which release of it does so does not matter.
# hadolint ignore=DL3008
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends binutils \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY mock_sts ./mock_sts
COPY fixtures ./fixtures
COPY --from=docs /src/mock_sts/docs_site ./mock_sts/docs_site
# Extras of pyproject.toml, with commas between: "postgresql" for a server that keeps everything in PostgreSQL.
ARG EXTRAS=
# What no command of ours reads goes: sources of compiled modules, SQLAlchemy's own test tools, and Faker's locales but
# those it falls back to and no_NO (it does not start without the former). Faker is used by one rare command only, so it
# goes without bytecode.
RUN python3 -m venv --without-pip /opt/venv \
 && pip --python /opt/venv/bin/python3 install --no-compile --constraint constraints.txt ".${EXTRAS:+[$EXTRAS]}" \
 && find /opt/venv/lib -name '*.so' -exec strip --strip-unneeded {} + \
 && find /opt/venv/lib \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' \) -delete \
 && find /opt/venv/lib -path '*/site-packages/sqlalchemy/testing' -prune -exec rm -rf {} + \
 && find /opt/venv/lib -regex '.*/faker/providers/.*/[a-z][a-z]_[A-Z][A-Z]' \
      ! -name no_NO ! -name en_US ! -name en_GB ! -name en_PH ! -name fr_FR -prune -exec rm -rf {} + \
 && python3 -m compileall -q -x '/faker/' /opt/venv/lib

FROM ${PYTHON_IMAGE}
ARG VERSION=0.1.0
# The commit, where one is built: make packages and the release say it.
ARG REVISION=
LABEL org.opencontainers.image.title="Mock HelseID STS" \
      org.opencontainers.image.description="An offline emulator of HelseID for tests. Not affiliated with or endorsed by Norsk Helsenett." \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="MIT"
# Own fixtures are mounted at /fixtures and lie on top of the shipped world; the folder is there so that none is no error.
# /data may be written to by everybody, for a tmpfs takes that over but not the owner, and --user may name another.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MOCK_STS_HOST=0.0.0.0 \
    MOCK_STS_FIXTURES=/fixtures \
    MOCK_STS_DATABASE_URL=sqlite:////data/mock-sts.sqlite
RUN groupadd --gid 10001 mock-sts \
 && useradd --uid 10001 --gid mock-sts --no-create-home --home-dir /data --shell /usr/sbin/nologin mock-sts \
 && install -d /fixtures \
 && install -d -o mock-sts -g mock-sts -m 1777 /data
COPY --from=build /opt/venv /opt/venv
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
EXPOSE 8080
# Asked often while it starts, so that waiting for it is short, and seldom after. Needs no shell and no curl.
HEALTHCHECK --start-period=30s --start-interval=0.25s --interval=5s --timeout=3s --retries=3 CMD ["mock-sts", "health"]
ENTRYPOINT ["mock-sts"]
CMD ["serve"]
