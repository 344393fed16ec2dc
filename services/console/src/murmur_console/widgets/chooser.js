// A list to choose from, folded away; of long groups only those that fit what is typed, and never more than can be read.
const MOST = 60;
export default {
  template: `
    <details class="m-chooser">
      <summary role="button" class="m-button">{{ label }} <span class="m-muted">{{ chosen.length }}</span></summary>
      <div class="m-chooser-box">
        <input type="search" v-model="typed" :aria-label="'Narrow down: ' + label" placeholder="narrow down" autocomplete="off"
               spellcheck="false" />
        <fieldset v-for="group in shown" :key="group.title">
          <legend>{{ group.title }}</legend>
          <label v-for="one in group.options" :key="one.name">
            <input type="checkbox" :name="one.name" :checked="chosen.includes(one.name)"
                   :disabled="Boolean(most) && chosen.length >= most && !chosen.includes(one.name)"
                   @change="change(one.name, $event.target.checked)" />
            <span>{{ one.label }}</span>
          </label>
          <p v-if="group.more" class="m-muted">{{ group.more }} more: narrow down</p>
        </fieldset>
      </div>
    </details>`,
  props: { label: String, groups: Array, chosen: Array, most: Number },
  emits: ["choose"],
  data: () => ({ typed: "" }),
  computed: {
    shown() {
      const wanted = this.typed.trim().toLowerCase();
      return this.groups
        .map(({ title, options }) => {
          const fit = options.filter((one) => one.label.toLowerCase().includes(wanted));
          return { title, options: fit.slice(0, MOST), more: Math.max(0, fit.length - MOST) };
        })
        .filter((group) => group.options.length);
    },
  },
  methods: {
    change(name, on) {
      const others = this.chosen.filter((one) => one !== name);
      this.$emit("choose", on ? [...others, name] : others);
    },
  },
};
