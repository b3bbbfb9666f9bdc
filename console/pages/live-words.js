"use strict";
// Small helpers of the live page: elements, and figures as text.
const $ = (id) => document.getElementById(id);
const put = (place, text) => { const node = typeof place === "string" ? $(place) : place; if (node.textContent !== text) node.textContent = text; };
const part = (value, digits = 1) => (value === null || value === undefined ? "–" : (value * 100).toFixed(digits));
const figure = (value, digits, unit = "") => (value === null || value === undefined ? "–" : value.toFixed(digits) + unit);
const small = (value) => (value === null || value === undefined ? "–" : Math.abs(value) < 10 ? value.toFixed(3) : value.toFixed(1));

function span(seconds) {
  if (seconds === null || seconds === undefined) return "";
  const s = Math.round(seconds), two = (n) => String(n).padStart(2, "0");
  return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor((s % 3600) / 60))}:${two(s % 60)}`;
}

function stamp(t) {
  const at = new Date(t), two = (n) => String(n).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock(t, true)}`;
}

function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

const WORDS = { valid: "valid", valid_with_warnings: "valid with warnings", incomplete: "incomplete", invalid: "invalid", unknown: "not judged" };
const KIND = { valid: "good", valid_with_warnings: "warn", incomplete: "warn", invalid: "bad", unknown: "warn", complete: "good", aborted: "bad" };
