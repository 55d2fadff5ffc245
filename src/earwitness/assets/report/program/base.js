"use strict";
// Shared by all parts of the program, which render/report_page.py joins into one script.
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const make = (tag, attributes = {}, ...children) => {
  const svg = ["svg", "path", "circle", "line", "text", "g", "rect", "mask"].includes(tag);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "style") Object.assign(node.style, value);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
};
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const duration = data.duration, FRAMES = data.document.num_frames;
// Events by index; an index is never used again. Editing replaces an event, deleting leaves null.
const events = data.events.map((event, index) => ({ ...event, index }));
const present = () => events.filter(Boolean);
let chosen = null;
