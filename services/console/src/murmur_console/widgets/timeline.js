// Draws a scene that Python laid out. Elements are patched by id: a live event moves neither focus nor scroll.
const RADIUS = 7;

export default {
  template: `
    <figure class="m-timeline" :aria-label="title">
      <div class="m-lanes" aria-hidden="true">
        <div v-for="lane in scene.lanes" :key="lane.service" :style="{ height: lane.height + 'px' }">
          <i :style="{ background: hues[lane.service] }"></i>{{ lane.service }}
        </div>
      </div>
      <div class="m-scroll" ref="scroll" @scroll="noteScroll">
        <svg :width="scene.width" :height="scene.height" role="group" :aria-label="title + '; arrow keys move along it'"
             @keydown="move">
          <defs>
            <marker id="m-head" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="6" markerHeight="6" orient="auto-start-reverse">
              <path d="M0 0.5L7 4L0 7.5z" class="m-head" />
            </marker>
            <marker id="m-head-lit" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="6" markerHeight="6" orient="auto-start-reverse">
              <path d="M0 0.5L7 4L0 7.5z" class="m-head m-lit" />
            </marker>
            <pattern v-for="lane in scene.lanes" :key="lane.service" :id="'m-hatch-' + lane.service" width="7" height="7"
                     patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
              <rect width="2.5" height="7" :fill="hues[lane.service]" />
            </pattern>
          </defs>
          <g aria-hidden="true">
            <line v-for="lane in scene.lanes" :key="lane.service" class="m-rule" x1="0" x2="100%"
                  :y1="lane.y + lane.height" :y2="lane.y + lane.height" />
            <g v-for="(tick, index) in scene.ticks" :key="'t' + tick.x" class="m-tick">
              <line :x1="tick.x" :x2="tick.x" y1="0" :y2="bottom + 4" />
              <text :x="tick.x" :y="bottom + 17">{{ tickText(index) }}</text>
              <text v-if="dayText(index)" class="m-day" :x="tick.x" :y="bottom + 32">{{ dayText(index) }}</text>
            </g>
            <g v-for="fold in scene.folds" :key="'f' + fold.x" class="m-fold">
              <rect :x="fold.x - 7" y="0" width="14" :height="bottom" />
              <path :d="zigzag(fold.x - 7)" /><path :d="zigzag(fold.x + 7)" />
              <text :x="fold.x" :y="bottom + 32">{{ fold.words }}</text>
            </g>
            <g v-if="scene.now !== null" class="m-now">
              <line :x1="scene.now" :x2="scene.now" y1="0" :y2="bottom + 4" />
              <text :x="scene.now" :y="bottom + 17">now</text>
            </g>
          </g>
          <path v-for="arrow in arrows" :key="arrow.id" :d="arrow.path" class="m-arrow" :class="{ 'm-lit': arrow.lit }"
                :marker-end="arrow.lit ? 'url(#m-head-lit)' : 'url(#m-head)'" aria-hidden="true" />
          <g v-for="bar in scene.bars" :key="bar.id" class="m-bar" :class="{ 'm-waiting': bar.waiting, 'm-open': !bar.end }"
             role="img" :aria-label="bar.service + ' ' + bar.words + ', ' + barTime(bar)">
            <rect class="m-ground" :x="bar.x" :y="bar.y" :width="bar.width" :height="bar.height" rx="4" />
            <rect class="m-fill" :x="bar.x" :y="bar.y" :width="bar.width" :height="bar.height" rx="4"
                  :fill="bar.waiting ? 'url(#m-hatch-' + bar.service + ')' : hues[bar.service]" :stroke="hues[bar.service]" />
            <rect v-if="bar.progress !== null" class="m-progress" :x="bar.x" :y="bar.y + bar.height - 3" height="3"
                  :width="bar.width * bar.progress" :fill="hues[bar.service]" />
            <text :x="bar.x + 14" :y="bar.y + bar.height / 2 + 4">{{ bar.words }} <tspan>{{ barTime(bar) }}</tspan></text>
          </g>
          <g v-for="mark in scene.marks" :key="mark.ids[0]" class="m-mark"
             :class="['m-' + mark.tone, { 'm-selected': isSelected(mark), 'm-fresh': fresh.has(mark.id) }]"
             role="button" :data-mark="mark.id" :tabindex="mark.id === reachable ? 0 : -1" :aria-pressed="isSelected(mark)"
             :aria-label="spoken(mark)" @click="$emit('pick', mark.id)">
            <title>{{ mark.topic }}: {{ mark.headline }}</title>
            <rect class="m-hit" :x="mark.x - 14" :y="mark.y - 30" :width="28 + 6.4 * mark.label.length" height="30" />
            <circle class="m-hit" :cx="mark.x" :cy="mark.y" r="14" />
            <circle class="m-halo" :cx="mark.x" :cy="mark.y" r="11" />
            <rect v-if="mark.tone === 'trouble'" class="m-shape" :x="mark.x - 7" :y="mark.y - 7" width="14" height="14" rx="3" />
            <path v-else-if="mark.tone === 'caution'" class="m-shape" :d="triangle(mark)" />
            <circle v-else class="m-shape" :cx="mark.x" :cy="mark.y" r="${RADIUS}" :fill="hues[mark.service]" />
            <circle v-if="mark.is_root && mark.tone === 'plain'" class="m-root" :cx="mark.x" :cy="mark.y" r="3" />
            <text v-if="mark.tone !== 'plain'" class="m-bang" :x="mark.x" :y="mark.y + 4">!</text>
            <text class="m-label" :x="mark.x + 9" :y="mark.y - 15">{{ mark.label }}</text>
          </g>
        </svg>
      </div>
    </figure>`,
  props: { scene: Object, hues: Object, selected: String, title: String },
  emits: ["pick", "zoom"],
  data: () => ({ now: Date.now(), focused: null, fresh: new Set(), following: false }),
  computed: {
    bottom() {
      const last = this.scene.lanes[this.scene.lanes.length - 1];
      return last ? last.y + last.height : 0;
    },
    byId() {
      const found = new Map();
      for (const mark of this.scene.marks) for (const id of mark.ids) found.set(id, mark);
      return found;
    },
    reachable() {
      const chosen = this.byId.get(this.focused) || this.byId.get(this.selected) || this.scene.marks[0];
      return chosen && chosen.id;
    },
    arrows() {
      const chosen = this.byId.get(this.selected);
      const lit = new Set();
      for (let mark = chosen; mark && !lit.has(mark.id); mark = this.byId.get(mark.cause)) lit.add(mark.id);
      const isLit = (arrow) => chosen && (arrow.cause === chosen.id || (lit.has(arrow.cause) && lit.has(arrow.effect)));
      const all = this.scene.arrows.map((arrow) => ({ ...arrow, lit: Boolean(isLit(arrow)) }));
      return all.sort((one, other) => one.lit - other.lit);
    },
  },
  watch: {
    scene(scene, before) {
      const known = new Set(before.marks.flatMap((mark) => mark.ids));
      const fresh = scene.marks.filter((mark) => !known.has(mark.id));
      if (fresh.length < scene.marks.length) this.fresh = new Set(fresh.map((mark) => mark.id));
      if (this.following) this.$nextTick(this.toEnd);
    },
  },
  mounted() {
    this.clock = setInterval(() => (this.now = Date.now()), 1000);
    this.$nextTick(() => {
      const chosen = this.byId.get(this.selected);
      if (chosen) this.reveal(chosen);
      else if (this.scene.now !== null) this.toEnd();
      this.noteScroll();
    });
  },
  unmounted() {
    clearInterval(this.clock);
  },
  methods: {
    barTime(bar) {
      const end = bar.end ? new Date(bar.end) : this.now;
      const seconds = (end - new Date(bar.start)) / 1000;
      return bar.end ? window.murmur.duration(seconds) : window.murmur.whole(seconds);
    },
    tickText(index) {
      const text = window.murmur.clock(this.scene.ticks[index].time, { milliseconds: false });
      const before = index && window.murmur.clock(this.scene.ticks[index - 1].time, { milliseconds: false });
      return text === before ? window.murmur.clock(this.scene.ticks[index].time).slice(8) : text;
    },
    dayText(index) {
      const text = window.murmur.day(this.scene.ticks[index].time);
      return index && text === window.murmur.day(this.scene.ticks[index - 1].time) ? "" : text;
    },
    zigzag(x) {
      let path = `M${x} 0`;
      for (let y = 8, side = 1; y <= this.bottom; y += 8, side = -side) path += `L${x + 2 * side} ${y}`;
      return path;
    },
    triangle({ x, y }) {
      return `M${x} ${y - 8.5}L${x + 9} ${y + 7}L${x - 9} ${y + 7}z`;
    },
    isSelected(mark) {
      return mark.ids.includes(this.selected);
    },
    spoken(mark) {
      const cause = this.byId.get(mark.cause);
      const why = cause ? `, caused by ${cause.topic}` : mark.is_root ? ", begins the chain" : "";
      const many = mark.ids.length > 1 ? `${mark.ids.length} times ` : "";
      return `${window.murmur.clock(mark.time)}, ${mark.service}, ${many}${mark.topic}: ${mark.headline}${why}`;
    },
    move(event) {
      const marks = this.scene.marks;
      const here = marks.findIndex((mark) => mark.id === event.target.closest("[data-mark]")?.dataset.mark);
      if (here < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
      const id = marks[here].id;
      const steps = {
        ArrowRight: () => marks[here + 1],
        ArrowLeft: () => marks[here - 1],
        ArrowUp: () => this.byId.get(marks[here].cause),
        ArrowDown: () => marks.find((mark) => this.byId.get(mark.cause)?.id === id),
        Home: () => marks[0],
        End: () => marks[marks.length - 1],
      };
      if (event.key in steps) {
        event.preventDefault();
        const next = steps[event.key]();
        if (next) this.focus(next);
      } else if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        this.$emit("pick", id);
      } else if (event.key === "+" || event.key === "-") {
        event.preventDefault();
        this.$emit("zoom", event.key === "+" ? 1 : -1);
      }
    },
    focus(mark) {
      this.focused = mark.id;
      this.$nextTick(() => {
        this.$el.querySelector(`[data-mark="${mark.id}"]`).focus({ preventScroll: true });
        this.reveal(mark);
      });
    },
    reveal(mark) {
      const box = this.$refs.scroll;
      if (mark.x < box.scrollLeft + 24) box.scrollLeft = mark.x - 48;
      else if (mark.x > box.scrollLeft + box.clientWidth - 120) box.scrollLeft = mark.x - box.clientWidth + 160;
    },
    toEnd() {
      this.$refs.scroll.scrollLeft = this.$refs.scroll.scrollWidth;
    },
    noteScroll() {
      const box = this.$refs.scroll;
      this.following = box.scrollLeft + box.clientWidth >= box.scrollWidth - 8;
    },
  },
};
