// Draws a chart that Python laid out, as wide as its place is. Left and right walk along it; what is read is said below
// its title. Lines differ by hue, dash and the form of their points: never by hue alone.
const HEIGHT = 168;
const LEFT = 52;
const RIGHT = 12;
const TOP = 22;
const BOTTOM = 22;
const FLAG = 16;
const STYLES = 8;

export default {
  template: `
    <figure class="m-chart" :aria-label="chart ? chart.title : ''">
      <figcaption v-if="chart">{{ chart.title }}</figcaption>
      <div v-show="chart && chart.lines.length" ref="box" class="m-plot" tabindex="0" role="group"
           :aria-label="(chart ? chart.title : '') + '; left and right read it moment by moment'" @keydown="walk"
           @pointermove="follow" @pointerleave="at = null" @blur="at = null">
        <svg v-if="chart" :width="width" :height="${HEIGHT}" aria-hidden="true">
          <g v-for="tick in chart.ticks" :key="'v' + tick.words" class="m-tick">
            <line :x1="${LEFT}" :x2="width - ${RIGHT}" :y1="y(tick.at)" :y2="y(tick.at)" />
            <text :x="${LEFT} - 6" :y="y(tick.at) + 4" text-anchor="end">{{ tick.words }}</text>
          </g>
          <text v-for="moment in moments" :key="'t' + moment" class="m-moment" :x="x(moment)" :y="${HEIGHT} - 6"
                text-anchor="middle">{{ clock(moment) }}</text>
          <g v-for="mark in chart.marks" :key="'m' + mark.number" :class="'m-event m-event-' + mark.kind">
            <line :x1="x(mark.at)" :x2="x(mark.at)" :y1="${TOP} - 4" :y2="${HEIGHT} - ${BOTTOM}" />
            <g v-if="flagged.has(mark.number)">
              <rect :x="x(mark.at) - ${FLAG} / 2" y="2" :width="${FLAG}" :height="${FLAG}" rx="3" />
              <text :x="x(mark.at)" y="14" text-anchor="middle">{{ mark.number }}</text>
            </g>
            <title>{{ mark.number }}: {{ mark.words }}</title>
          </g>
          <g v-for="line in firstOnTop" :key="line.name" :class="'m-line m-style-' + line.style">
            <template v-for="(part, index) in line.parts" :key="index">
              <path v-for="point in spread(part)" :key="'s' + point.at" class="m-spread"
                    :d="'M' + x(point.at) + ' ' + y(point.low) + 'V' + y(point.high)" />
              <path class="m-stroke" :d="stroke(part)" />
              <path v-for="point in part" v-show="dotted(line) || part.length === 1" :key="point.at" class="m-dot"
                    :d="dot(line.style, point)" />
            </template>
          </g>
          <line v-if="at !== null" class="m-cross" :x1="x(at)" :x2="x(at)" :y1="${TOP}" :y2="${HEIGHT} - ${BOTTOM}" />
        </svg>
      </div>
      <ul v-if="chart && chart.lines.length" class="m-key">
        <li v-for="line in toldApart" :key="line.name" :class="'m-line m-style-' + line.style">
          <svg width="30" height="12" aria-hidden="true"><path class="m-stroke" d="M1 6H29" /><path class="m-dot" :d="form(line.style, 15, 6)" /></svg>
          {{ line.name }}
        </li>
        <li v-if="chart.lines.length > toldApart.length" class="m-line m-style-${STYLES}">
          <svg width="30" height="12" aria-hidden="true"><path class="m-stroke" d="M1 6H29" /></svg>
          {{ chart.lines.length - toldApart.length }} more
        </li>
        <li class="m-read" aria-live="polite">{{ read }}</li>
      </ul>
      <div v-if="chart && !chart.lines.length" class="m-nothing"><slot></slot></div>
    </figure>`,
  props: { chart: Object },
  data: () => ({ width: 480, at: null }),
  mounted() {
    this.sizes = new ResizeObserver(([entry]) => {
      if (entry.contentRect.width) this.width = Math.round(entry.contentRect.width);
    });
    this.sizes.observe(this.$refs.box);
  },
  unmounted() {
    this.sizes.disconnect();
  },
  computed: {
    inner() {
      return Math.max(this.width - LEFT - RIGHT, 40);
    },
    moments() {
      const apart = Math.max(1, Math.ceil((this.chart.moments.length * 60) / this.inner));
      return this.chart.moments.filter((moment, index) => index % apart === 0 && this.x(moment) <= this.width - 30);
    },
    flagged() {
      const shown = new Set();
      let last = -Infinity;
      for (const mark of this.chart.marks) {
        if (this.x(mark.at) - last < FLAG + 2) continue;
        shown.add(mark.number);
        last = this.x(mark.at);
      }
      return shown;
    },
    toldApart() {
      return this.chart.lines.filter((line) => line.style < STYLES);
    },
    firstOnTop() {
      return [...this.chart.lines].reverse();
    },
    all() {
      const moments = this.chart ? this.chart.lines.flatMap((line) => line.parts.flat().map((point) => point.at)) : [];
      return [...new Set(moments)].sort((one, other) => one - other);
    },
    read() {
      if (this.at === null) return "";
      const told = this.toldApart.flatMap((line) =>
        line.parts.flat().filter((point) => point.at === this.at).map((point) => `${line.name} ${point.words}`),
      );
      const where = this.chart.over ? `${this.chart.over} ${this.at}` : window.murmur.clock(this.at, { milliseconds: false });
      return `${where}: ${told.join(", ")}`;
    },
  },
  methods: {
    x(moment) {
      return Math.round((LEFT + (this.inner * (moment - this.chart.start)) / (this.chart.end - this.chart.start || 1)) * 10) / 10;
    },
    y(value) {
      const share = (value - this.chart.bottom) / (this.chart.top - this.chart.bottom || 1);
      return Math.round((HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)) * 10) / 10;
    },
    clock(moment) {
      if (this.chart.over) return String(moment);
      const long = this.chart.end - this.chart.start > 36 * 3600e3;
      const short = this.chart.end - this.chart.start < 300e3;
      return long ? window.murmur.day(moment) : window.murmur.clock(moment, { milliseconds: false }).slice(0, short ? 8 : 5);
    },
    stroke(part) {
      return part.map((point, index) => `${index ? "L" : "M"}${this.x(point.at)} ${this.y(point.value)}`).join("");
    },
    spread(part) {
      return part.filter((point) => point.low !== null && point.high !== null);
    },
    dotted(line) {
      return line.parts.flat().length <= this.inner / 8;
    },
    dot(style, point) {
      return this.form(style, this.x(point.at), this.y(point.value));
    },
    form(style, x, y) {
      style %= 4;
      if (style === 1) return `M${x - 3.5} ${y - 3.5}h7v7h-7z`;
      if (style === 2) return `M${x} ${y - 4.5}l4.5 7.5h-9z`;
      if (style === 3) return `M${x} ${y - 4.5}l4.5 4.5l-4.5 4.5l-4.5 -4.5z`;
      return `M${x - 3.5} ${y}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0`;
    },
    follow(event) {
      const place = event.clientX - this.$refs.box.getBoundingClientRect().left;
      this.at = this.all.reduce(
        (best, moment) => (best === null || Math.abs(this.x(moment) - place) < Math.abs(this.x(best) - place) ? moment : best),
        null,
      );
    },
    walk(event) {
      const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
      if (step === undefined || !this.all.length) return;
      event.preventDefault();
      const here = this.at === null ? (step > 0 ? -1 : this.all.length) : this.all.indexOf(this.at);
      this.at = this.all[Math.min(Math.max(here + step, 0), this.all.length - 1)];
    },
  },
};
