// A decision of a person: choices, a text to correct, a name and a reason, and one button for each way to decide.
// What is typed stays in the browser until it is sent; live data never disturbs it.
export default {
  template: `
    <form class="m-decision" @submit.prevent="send" :aria-label="subject">
      <p v-if="refusal" class="m-caution">{{ refusal }}</p>
      <label v-for="choice in choices" :key="choice.name">{{ choice.label }}
        <select :name="choice.name" v-model="chosen[choice.name]" :disabled="barred">
          <option v-for="option in choice.options" :key="option.value" :value="option.value">{{ option.label }}</option>
        </select>
      </label>
      <label v-if="content !== null">{{ contentLabel }}
        <textarea name="content" v-model="edited" class="m-code" rows="12" spellcheck="false" :disabled="barred"></textarea>
      </label>
      <label v-if="!signer">Your name
        <input name="by" v-model.trim="by" maxlength="100" autocomplete="name" :disabled="barred" />
      </label>
      <label>Reason
        <textarea name="reason" v-model.trim="reason" maxlength="1000" rows="2" :disabled="barred"
                  :placeholder="hint"></textarea>
      </label>
      <p v-if="complaint || trouble" class="m-trouble" role="alert">{{ complaint || trouble }}</p>
      <div class="m-buttons">
        <button v-for="action in actions" :key="action.name" type="submit" :value="action.name" formnovalidate
                class="m-button" :class="{ 'm-primary': action.primary }" :disabled="barred">{{ action.label }}</button>
      </div>
    </form>`,
  props: {
    subject: String, actions: Array, choices: Array, content: { type: String, default: null }, contentLabel: String,
    hint: String, busy: Boolean, trouble: String, signer: String, refusal: String,
  },
  emits: ["decide"],
  data() {
    const first = (choice) => [choice.name, choice.options.length ? choice.options[0].value : ""];
    return {
      by: this.signer || localStorage.getItem("murmur-reviewer") || "", reason: "", complaint: "", edited: this.content,
      chosen: Object.fromEntries((this.choices || []).map(first)),
    };
  },
  computed: {
    barred() {
      return this.busy || Boolean(this.refusal);
    },
  },
  methods: {
    send(event) {
      const action = this.actions.find((one) => one.name === event.submitter?.value);
      if (!action) return;
      const missing = [!this.by && "your name", !this.reason && action.reason && "a reason"].filter(Boolean);
      this.complaint = missing.length ? `${action.label} needs ${missing.join(" and ")}.` : "";
      if (missing.length) {
        this.$el.querySelector(this.by ? "textarea[name=reason]" : "input[name=by]").focus();
        return;
      }
      if (!this.signer) localStorage.setItem("murmur-reviewer", this.by);
      const { by, reason, edited, chosen } = this;
      this.$emit("decide", { action: action.name, by, reason, content: edited, chosen: { ...chosen } });
    },
  },
};
