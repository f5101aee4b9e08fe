# One image for CPU and GPU (`docker run --gpus all …`): PyTorch's wheel carries CUDA and works without it.
FROM python:3.12-slim

RUN useradd --create-home --uid 1000 user && pip install --no-cache-dir uv
USER user
WORKDIR /home/user/app

# Dependencies first: they change less often than the code, and they are most of the image.
COPY --chown=user pyproject.toml README.md ./
RUN uv sync --no-dev --extra timm --no-install-project --no-cache
COPY --chown=user . .
RUN uv sync --no-dev --extra timm --no-cache && mkdir -p /home/user/data

ENV KDX_HOME=/home/user/data \
    GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860 \
    GRADIO_SSR_MODE=false
EXPOSE 7860
CMD ["uv", "run", "--no-sync", "app.py"]
