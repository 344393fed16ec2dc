// `/` goes to the search field from anywhere but a text field; Escape leaves it.
document.addEventListener("keydown", (event) => {
  const field = document.getElementById("search");
  if (!field) return;
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    field.focus();
    field.select();
  } else if (event.key === "Escape" && event.target === field) {
    field.blur();
  }
});
