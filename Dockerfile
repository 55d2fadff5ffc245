# CPU only, without torch, as an unprivileged user:
#   docker build -t earwitness .
#   docker run --rm -v "$PWD:/data" earwitness detect clip.mp4 --out results
FROM python:3.13-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY src ./src
RUN python -m venv /opt/earwitness && /opt/earwitness/bin/pip install --no-cache-dir ".[vision]"

FROM python:3.13-slim
COPY --from=build /opt/earwitness /opt/earwitness
ENV PATH=/opt/earwitness/bin:$PATH OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
RUN useradd --create-home --uid 1000 earwitness && mkdir /data && chown earwitness /data
USER earwitness
# 10 MB that look for people in pictures; without them, detect analyses the sound alone and says so.
RUN earwitness models pull pose || true
WORKDIR /data
ENTRYPOINT ["earwitness"]
CMD ["--help"]
