// Records with MediaRecorder; recordings stay in the page until the user submits them.
const KINDS = {
  sound: ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"],
  camera: ["video/webm;codecs=vp8,opus", "video/mp4", "video/webm"],
};
// Filters for calls would remove the direction.
const AUDIO = { channelCount: { ideal: 2 }, echoCancellation: false, noiseSuppression: false, autoGainControl: false };

export class Recorder {
  // `panel` contains .record (a button), .time, .error and .preview; `changed` is called with the recording or null,
  // `updated` when a recording has begun.
  constructor(panel, kind, changed, updated) {
    this.kind = kind;
    this.changed = changed;
    this.updated = updated;
    this.button = panel.querySelector(".record");
    this.time = panel.querySelector(".time");
    this.error = panel.querySelector(".error");
    this.preview = panel.querySelector(".preview");
    this.recorder = null;
    this.stream = null;
    this.starting = false;
    this.button.addEventListener("click", () => (this.recorder ? this.stop() : this.start()));
  }

  async start() {
    if (this.starting) return;
    this.starting = true;
    this.error.hidden = true;
    try {
      if (!navigator.mediaDevices || !window.MediaRecorder)
        throw new Error("Browsers record only on pages from this machine (localhost) or over HTTPS.");
      const video = this.kind === "camera" && { facingMode: "environment", width: { ideal: 1280 } };
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: AUDIO, video });
      this.changed(null);
      const type = KINDS[this.kind].find((one) => MediaRecorder.isTypeSupported(one));
      const options = { audioBitsPerSecond: 192000, ...(type && { mimeType: type }) };
      this.recorder = new MediaRecorder(this.stream, options);
      const pieces = [];
      this.recorder.addEventListener("dataavailable", (event) => event.data.size && pieces.push(event.data));
      this.stopped = new Promise((resolve) => this.recorder.addEventListener("stop", () => resolve(this.finish(pieces))));
      this.recorder.start(1000);
      this.begun = performance.now();
      this.timer = setInterval(() => this.showTime(), 250);
      this.button.textContent = "Stop recording";
      this.button.classList.add("on");
      if (this.kind === "camera") this.showStream();
      this.updated();
    } catch (error) {
      this.release();
      this.recorder = null;
      const none = { NotFoundError: "No microphone or camera was found.", NotAllowedError: "The browser has no permission to record." };
      this.error.textContent = none[error.name] || error.message;
      this.error.hidden = false;
    } finally {
      this.starting = false;
    }
  }

  // Ends a recording, if any; resolves when its file is ready.
  async stop() {
    if (!this.recorder) return;
    if (this.recorder.state !== "inactive") this.recorder.stop();
    await this.stopped;
  }

  finish(pieces) {
    const type = this.recorder.mimeType.split(";")[0];
    this.recorder = null;
    this.release();
    const suffix = type.endsWith("mp4") ? (this.kind === "sound" ? "m4a" : "mp4") : type.endsWith("ogg") ? "ogg" : "webm";
    if (pieces.length) this.changed(new File(pieces, `recording.${suffix}`, { type }));
  }

  release() {
    clearInterval(this.timer);
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.button.textContent = "Start recording";
    this.button.classList.remove("on");
  }

  showStream() {
    const live = document.createElement("video");
    live.muted = true;
    live.playsInline = true;
    live.autoplay = true;
    live.srcObject = this.stream;
    this.preview.replaceChildren(live);
  }

  showTime() {
    const seconds = Math.floor((performance.now() - this.begun) / 1000);
    this.time.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }
}
