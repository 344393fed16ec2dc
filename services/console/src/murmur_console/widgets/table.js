// A plain table whose rows are patched in place, so that live data moves neither focus nor scroll.
export default {
  template: `
    <div class="m-table-box">
      <label v-if="sortable.length" class="m-sorting">Sorted by
        <select :value="sorting" @change="$emit('sort', $event.target.value)">
          <option v-if="!sorting" value="">latest first</option>
          <option v-for="column in sortable" :key="column.key" :value="column.key">{{ column.label }}{{ arrow(column) }}</option>
        </select>
      </label>
      <table class="m-table" :class="{ 'm-pickable': pickable }">
        <caption class="m-hidden">{{ caption }}</caption>
        <thead>
          <tr><th v-for="column in columns" :key="column.key" scope="col" :class="column.align"
                  :aria-sort="column.sort && column.sort !== 'none' ? column.sort : null">
            <button v-if="column.sort" type="button" class="m-pick" @click="$emit('sort', column.key)">{{ column.label }}<span aria-hidden="true">{{ arrow(column) }}</span></button>
            <template v-else>{{ column.label }}</template>
          </th></tr>
        </thead>
        <tbody>
          <tr v-for="row in rows" :key="row.id" :class="{ 'm-selected': row.id === selected }" @click="pick($event, row)">
            <td v-for="(column, index) in columns" :key="column.key" :data-label="column.label"
                :class="[column.align, 'm-' + (row.cells[column.key].tone || 'plain')]"
                :style="row.cells[column.key].indent ? { paddingLeft: 12 + 12 * row.cells[column.key].indent + 'px' } : null">
              <template v-for="cell in [row.cells[column.key]]">
                <a v-if="cell.kind === 'link'" :href="cell.href" :target="cell.away ? '_blank' : null" rel="noopener">{{ cell.text }}</a>
                <button v-else-if="cell.kind === 'id'" type="button" class="m-id" :title="cell.text + ' (click copies it)'"
                        @click.stop="copy(cell.text)">{{ copied === cell.text ? "copied" : cell.text.slice(0, 10) }}</button>
                <time v-else-if="cell.kind === 'when'" :datetime="cell.time" :title="format.exact(cell.time)">{{ format.ago(cell.time, now) }}</time>
                <time v-else-if="cell.kind === 'clock'" :datetime="cell.time" :title="format.exact(cell.time)">{{ format.clock(cell.time) }}</time>
                <span v-else-if="cell.kind === 'service'" class="m-service"><i :style="{ background: cell.hue }"></i>{{ cell.text }}</span>
                <button v-else-if="cell.kind === 'pick'" type="button" class="m-pick" :aria-pressed="row.id === selected"
                        @click.stop="$emit('pick', row.id)">{{ cell.text }}</button>
                <input v-else-if="cell.kind === 'check'" type="checkbox" :checked="cell.on" :aria-label="cell.text"
                       @change="$emit('check', { id: row.id, on: $event.target.checked })" />
                <span v-else :title="cell.title || null">{{ cell.text }}</span>
                <small v-if="cell.note">{{ cell.note }}</small>
              </template>
            </td>
          </tr>
        </tbody>
      </table>
      <div v-if="!rows.length" class="m-empty"><slot></slot></div>
    </div>`,
  props: { caption: String, columns: Array, rows: Array, selected: String, pickable: Boolean },
  emits: ["pick", "sort", "check"],
  data: () => ({ now: Date.now(), copied: null, format: window.murmur }),
  mounted() {
    this.clock = setInterval(() => (this.now = Date.now()), 1000);
  },
  unmounted() {
    clearInterval(this.clock);
  },
  computed: {
    sortable() {
      return this.columns.filter((column) => column.sort);
    },
    sorting() {
      return this.sortable.find((column) => column.sort !== "none")?.key || "";
    },
  },
  methods: {
    arrow(column) {
      return { ascending: " \u2191", descending: " \u2193" }[column.sort] || "";
    },
    pick(event, row) {
      if (this.pickable && !event.target.closest("a, button, input") && !window.getSelection().toString()) {
        this.$emit("pick", row.id);
      }
    },
    async copy(text) {
      await navigator.clipboard.writeText(text);
      this.copied = text;
      setTimeout(() => (this.copied = null), 1200);
    },
  },
};
