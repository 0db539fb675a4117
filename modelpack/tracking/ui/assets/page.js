// Lets lines that are meant to be run somewhere else be copied. Without it, they can still be marked.
(() => {
  "use strict";
  const copy = async (text) => {
    // A page that did not come by HTTPS, or from this machine, has no clipboard.
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const box = document.createElement("textarea");
    box.value = text;
    box.className = "hidden";
    document.body.append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    if (!done) throw new Error("not copied");
  };

  for (const lines of document.querySelectorAll("pre[data-copy]")) {
    const frame = document.createElement("div");
    const button = document.createElement("button");
    frame.className = "copied";
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-live", "polite");
    button.onclick = async () => {
      try {
        await copy(lines.textContent);
        button.textContent = "Copied";
      } catch (error) {
        button.textContent = "Not copied";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    };
    lines.replaceWith(frame);
    frame.append(lines, button);
  }
})();
