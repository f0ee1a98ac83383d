// Making elements. Text goes in as text alone: no name can turn into markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element: `el("div.card", {title: "..."}, ...children)`. Props may be left out: class, text, title, ...,
 * `on: {click: f}`, `data: {video: 3}`. A child is an element, a text, null, or a list of these.
 */
export function el(selector, ...children) {
  const [tag, ...classes] = selector.split(".");
  const props = children[0]?.constructor === Object ? children.shift() : {};
  const node = fill(document.createElement(tag), props, children);
  node.classList.add(...classes);
  return node;
}

/** The same for SVG, whose `props` are all attributes but for `text` and `on`. */
export function svg(tag, props = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  const { text, on, ...attributes } = props;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return fill(node, { text, on }, children);
}

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    if (name === "class") node.className = value;
    else if (name === "text") node.textContent = value;
    else if (name === "on") for (const [type, act] of Object.entries(value)) node.addEventListener(type, act);
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name === "colour") node.style.setProperty("--colour", value);
    else if (name in node && name !== "list") node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
}

/** A button that gives the keyboard back to the page after a click of the mouse. */
export function button(content, title, act, props = {}) {
  const click = (event) => {
    if (event.detail > 0) event.currentTarget.blur();
    act(event);
  };
  return el("button", { type: "button", title, on: { click }, ...props }, content);
}

/** A list to choose from that gives the keyboard back to the page; `options` are [value, text], values are texts. */
export function select(title, options, chosen, act) {
  const change = ({ target }) => {
    target.blur();
    act(target.value);
  };
  const parts = options.map(([value, text]) => el("option", { value, text, selected: value === chosen }));
  return el("select", { title, ariaLabel: title, on: { change } }, parts);
}

/** A button of several, of which one is chosen. */
export const choice = (text, title, chosen, act) =>
  button(text, title, act, { class: chosen ? "chosen" : "", ariaPressed: chosen });

const MOST_TOASTS = 3; // at a time
const STAY = { "": 4000, bad: 9000, news: 20000 }; // ms

/** A short message in the corner, which a click takes away; `kind` is "", "bad", or "news" of what others do. */
export function toast(text, kind = "") {
  const box = document.getElementById("toasts");
  const same = [...box.children].find((node) => node.textContent === text);
  same?.remove();
  const node = el("div.toast", { class: kind, text, on: { click: () => node.remove() } });
  box.append(node);
  if (box.children.length > MOST_TOASTS) box.firstChild.remove();
  setTimeout(() => node.remove(), STAY[kind]);
}

/** Show content in a dialog that its buttons close; resolves to the value of the one that was pressed, or "". */
export function show(look, content, buttons) {
  const dialog = document.getElementById("ask");
  dialog.replaceChildren(el(`form.${look}`, { method: "dialog" }, content, el("div.row.end", buttons)));
  dialog.returnValue = "";
  if (!dialog.open) dialog.showModal();
  return new Promise((resolve) => (dialog.onclose = () => resolve(dialog.returnValue)));
}

/** Ask a yes-or-no question; resolves to whether the answer is `yes`. */
export async function ask(question, yes) {
  const answers = [
    el("button", { value: "no", text: "Cancel" }),
    el("button.primary", { value: "yes", text: yes, autofocus: true }),
  ];
  return (await show("question", el("p", question), answers)) === "yes";
}
