// Times and durations as people read them, in the reader's own time zone.
(() => {
  const pad = (number, width = 2) => String(Math.floor(number)).padStart(width, "0");
  const UNITS = [
    [86400, "d", 3600, "h"],
    [3600, "h", 60, "min"],
    [60, "min", 1, "s"],
  ];

  function duration(seconds) {
    seconds = Math.max(seconds, 0);
    if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
    if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
    const whole = Math.max(Math.floor(seconds), 60);
    const [size, unit, smaller, smallerUnit] = UNITS.find(([size]) => whole >= size);
    const rest = Math.floor((whole % size) / smaller);
    return `${Math.floor(whole / size)} ${unit}` + (rest ? ` ${rest} ${smallerUnit}` : "");
  }

  function whole(seconds) {
    return seconds < 60 ? `${Math.max(Math.floor(seconds), 0)} s` : duration(seconds);
  }

  function clock(iso, { milliseconds = true } = {}) {
    const time = new Date(iso);
    const text = `${pad(time.getHours())}:${pad(time.getMinutes())}:${pad(time.getSeconds())}`;
    return milliseconds ? `${text}.${pad(time.getMilliseconds(), 3)}` : text;
  }

  function day(iso) {
    return new Date(iso).toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  }

  function exact(iso) {
    const time = new Date(iso);
    return `${time.getFullYear()}-${pad(time.getMonth() + 1)}-${pad(time.getDate())} ${clock(iso)}`;
  }

  function ago(iso, now) {
    const seconds = (now - new Date(iso)) / 1000;
    if (seconds < 1) return "now";
    const [size, unit] = UNITS.find(([size]) => seconds >= 10 * size) || [0];
    return size ? `${Math.floor(seconds / size)} ${unit} ago` : `${whole(seconds)} ago`;
  }

  window.murmur = { duration, whole, clock, day, exact, ago };
})();
