// Approve or refuse: a name and a reason first. What is typed stays in the browser until it is sent.
export default {
  template: `
    <form class="m-review" @submit.prevent="send" :aria-label="'Review of ' + subject">
      <p v-if="refusal" class="m-caution">{{ refusal }}</p>
      <label v-if="!signer">Your name
        <input name="by" v-model.trim="by" required maxlength="100" autocomplete="name" :disabled="barred" />
      </label>
      <label>Reason
        <textarea name="reason" v-model.trim="reason" required maxlength="1000" rows="3" :disabled="barred"
                  placeholder="what made you decide so"></textarea>
      </label>
      <p v-if="complaint || trouble" class="m-trouble" role="alert">{{ complaint || trouble }}</p>
      <div class="m-buttons">
        <button type="submit" value="approved" class="m-button m-primary" formnovalidate :disabled="barred">Approve</button>
        <button type="submit" value="refused" class="m-button" formnovalidate :disabled="barred">Refuse</button>
        <a v-if="report" :href="report" target="_blank" rel="noopener">Read the report</a>
      </div>
    </form>`,
  props: { subject: String, report: String, busy: Boolean, trouble: String, signer: String, refusal: String },
  emits: ["decide"],
  data() {
    return { by: this.signer || localStorage.getItem("murmur-reviewer") || "", reason: "", complaint: "" };
  },
  computed: {
    barred() {
      return this.busy || Boolean(this.refusal);
    },
  },
  methods: {
    send(event) {
      const missing = [!this.by && "your name", !this.reason && "a reason"].filter(Boolean);
      const verb = event.submitter?.value === "refused" ? "refuse" : "approve";
      if (!event.submitter) return;
      this.complaint = missing.length ? `To ${verb}, give ${missing.join(" and ")}.` : "";
      if (missing.length) {
        this.$el.querySelector(this.by ? "textarea" : "input").focus();
        return;
      }
      if (!this.signer) localStorage.setItem("murmur-reviewer", this.by);
      this.$emit("decide", { decision: event.submitter.value, by: this.by, reason: this.reason });
    },
  },
};
