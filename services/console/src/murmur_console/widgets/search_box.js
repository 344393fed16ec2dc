// A field of the search language. What may stand at the cursor is offered below it; arrows choose, Enter or Tab takes it,
// Escape puts the list away, Enter searches. What is typed stays in the browser until it is searched for.
let boxes = 0;
export default {
  template: `
    <form class="m-finder" role="search" aria-label="Find runs" @submit.prevent="search">
      <label :for="id">Find runs</label>
      <div class="m-finder-field">
        <input :id="id" ref="field" type="text" v-model="text" role="combobox" aria-autocomplete="list" autocomplete="off"
               spellcheck="false" autocapitalize="off" placeholder="metrics.auc > 0.8 AND params.eta = '0.1'"
               :aria-expanded="String(open)" :aria-controls="id + '-list'" :aria-invalid="Boolean(mistake)"
               :aria-describedby="id + '-why'" :aria-activedescendant="open && at >= 0 ? id + '-' + at : null"
               @input="typed" @click="typed" @keydown="key" @blur="close" />
        <ul v-show="open" :id="id + '-list'" role="listbox" class="m-offers" aria-label="What may stand here">
          <li v-for="(one, index) in texts" :key="one" :id="id + '-' + index" role="option" :aria-selected="String(index === at)"
              @pointerdown.prevent="take(index)">{{ one }}</li>
        </ul>
      </div>
      <button type="submit" class="m-button m-primary">Find</button>
      <button v-if="text || value" type="button" class="m-button" @click="clear">Show all</button>
      <div :id="id + '-why'" class="m-mistake" role="alert">
        <template v-if="mistake"><p class="m-trouble">{{ mistake.words }}</p><pre class="m-command">{{ mistake.line }}
{{ mistake.carets }}</pre></template>
      </div>
    </form>`,
  props: { value: String, offer: Object, mistake: Object },
  emits: ["typed", "search"],
  data() {
    boxes += 1;
    return { id: "finder-" + boxes, text: this.value, asked: 0, at: -1, hidden: true };
  },
  computed: {
    texts() {
      return this.offer.number === this.asked ? this.offer.texts : [];
    },
    open() {
      return !this.hidden && this.texts.length > 0;
    },
  },
  methods: {
    typed() {
      this.at = -1;
      this.hidden = true;
      clearTimeout(this.pause);
      this.pause = setTimeout(() => {
        this.asked += 1;
        this.hidden = false;
        this.$emit("typed", { text: this.text, cursor: this.$refs.field.selectionStart, number: this.asked });
      }, 60);
    },
    key(event) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step && this.open) {
        event.preventDefault();
        this.at = (this.at + step + this.texts.length) % this.texts.length;
        this.$nextTick(() => document.getElementById(this.id + "-" + this.at)?.scrollIntoView({ block: "nearest" }));
      } else if (step === 1) {
        event.preventDefault();
        this.typed();
      } else if ((event.key === "Enter" || (event.key === "Tab" && !event.shiftKey)) && this.open && this.at >= 0) {
        event.preventDefault();
        this.take(this.at);
      } else if (event.key === "Escape") {
        this.close();
      }
    },
    take(index) {
      const field = this.$refs.field;
      const taken = this.texts[index];
      const after = this.text.slice(field.selectionStart);
      const space = taken.endsWith(".") || taken.endsWith("(") || after.startsWith(" ") ? "" : " ";
      const before = this.text.slice(0, this.offer.start) + taken + space;
      this.text = before + after;
      this.$nextTick(() => {
        field.focus();
        field.setSelectionRange(before.length, before.length);
        this.typed();
      });
    },
    close() {
      clearTimeout(this.pause);
      this.hidden = true;
      this.at = -1;
    },
    search() {
      this.close();
      this.$emit("search", this.text);
    },
    clear() {
      this.text = "";
      this.search();
    },
  },
};
