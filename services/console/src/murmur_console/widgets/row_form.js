// A row for a model: a field a column. What is typed stays in the browser until it is sent.
export default {
  template: `
    <form class="m-row" @submit.prevent="send" aria-label="A row for the model" novalidate>
      <p v-if="refusal" class="m-caution">{{ refusal }}</p>
      <div class="m-fields">
        <div v-for="column in columns" :key="column.name" class="m-field" :class="{ 'm-wrong': fields && fields[column.name] }">
          <label :for="'row-' + column.name">{{ column.name }} <span>{{ column.kind }}</span></label>
          <select v-if="column.options.length" :id="'row-' + column.name" :name="column.name" v-model="typed[column.name]"
                  :disabled="barred" :aria-invalid="Boolean(fields && fields[column.name])"
                  :aria-describedby="'why-' + column.name">
            <option v-for="option in column.options" :key="option" :value="option">{{ option }}</option>
            <option value="">missing</option>
          </select>
          <input v-else :id="'row-' + column.name" :name="column.name" v-model="typed[column.name]" inputmode="decimal"
                 placeholder="missing" autocomplete="off" spellcheck="false" :disabled="barred"
                 :aria-invalid="Boolean(fields && fields[column.name])" :aria-describedby="'why-' + column.name" />
          <small :id="'why-' + column.name" class="m-trouble">{{ fields ? fields[column.name] : "" }}</small>
        </div>
      </div>
      <p v-if="trouble" class="m-trouble" role="alert">{{ trouble }}</p>
      <div class="m-buttons">
        <button type="submit" class="m-button m-primary" :disabled="barred">Predict</button>
        <button type="button" class="m-button" :disabled="barred" @click="typed = { ...example }">Example row</button>
        <button type="button" class="m-button" :disabled="barred" @click="typed = {}">All missing</button>
      </div>
    </form>`,
  props: {
    columns: Array, start: Object, example: Object, fields: Object, trouble: String, busy: Boolean, refusal: String,
  },
  emits: ["ask"],
  data() {
    return { typed: { ...this.start } };
  },
  computed: {
    barred() {
      return this.busy || Boolean(this.refusal);
    },
  },
  watch: {
    fields(fields) {
      const first = this.columns.find((column) => fields && fields[column.name]);
      if (first) this.$nextTick(() => document.getElementById("row-" + first.name)?.focus());
    },
  },
  methods: {
    send() {
      this.$emit("ask", Object.fromEntries(this.columns.map(({ name }) => [name, this.typed[name] ?? ""])));
    },
  },
};
