# The application alone: of requirements.lock only what it needs at run time, each package checked by its hash.
FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements.lock pyproject.toml LICENSE NOTICE ./
RUN sed -n '/^uv==/,/[^\\]$/p' requirements.lock > uv.lock \
    && pip install --no-cache-dir --require-hashes --only-binary :all: --requirement uv.lock \
    && python -m venv --without-pip /opt/prorata \
    && uv pip install --no-cache --python /opt/prorata/bin/python --require-hashes --only-binary :all: \
        --compile-bytecode --constraints requirements.lock --requirement pyproject.toml
COPY domain domain
COPY eventlog eventlog
COPY projections projections
COPY service service
COPY publishing publishing
COPY consumers consumers
COPY prorata prorata
COPY scripts scripts
RUN uv pip install --no-cache --python /opt/prorata/bin/python --no-deps --build-constraints requirements.lock \
        --compile-bytecode .

FROM python:3.13-slim
RUN useradd --system --no-create-home prorata
COPY --from=build /opt/prorata /opt/prorata
USER prorata
ENTRYPOINT ["/opt/prorata/bin/prorata"]
CMD ["--help"]
