// A native select: known to every keyboard, phone and screen reader.
export default {
  template: `
    <label class="m-picker">
      <span>{{ label }}</span>
      <select :value="value" @change="$emit('pick', $event.target.value)">
        <option v-for="option in options" :key="option.id" :value="option.id">{{ text(option) }}</option>
      </select>
    </label>`,
  props: { label: String, options: Array, value: String },
  emits: ["pick"],
  methods: {
    text(option) {
      const time = window.murmur.clock(option.time, { milliseconds: false });
      return `${window.murmur.day(option.time)} ${time}  ${option.text}`;
    },
  },
};
