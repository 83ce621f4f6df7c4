/** The style of the result sheet: light and dark, wide and narrow, on screen and on paper. */

export const SHEET_STYLE = `
:root {
  --ground: #f7f6f3; --card: #ffffff; --frame-ground: #eeece7; --text: #23262b; --quiet: #6d7178;
  --line: #e3e0d9; --accent: #0b7a75; --chip: #eef3f2; --chip-text: #2d5c59;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171a; --card: #1d2125; --frame-ground: #252a2f; --text: #e6e8ea; --quiet: #9aa1a8;
    --line: #2d3338; --accent: #4fc3bc; --chip: #26312f; --chip-text: #a9d5d1;
  }
}
* { box-sizing: border-box; margin: 0; padding: 0; }
body {
  background: var(--ground); color: var(--text); max-width: 1360px; margin: 0 auto; padding: 28px 28px 40px;
  font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
h1 { font-size: 19px; font-weight: 600; letter-spacing: -0.01em; margin-bottom: 18px; }
h2 { font-size: 11px; font-weight: 600; letter-spacing: 0.08em; text-transform: uppercase; color: var(--accent); }
section {
  display: grid; grid-template-columns: 280px minmax(0, 1fr); gap: 28px; align-items: start;
  padding: 24px 0; border-top: 1px solid var(--line);
}
.query { display: grid; gap: 12px; position: sticky; top: 20px; }
.query .name { font-weight: 600; overflow-wrap: anywhere; }
.prompt { font-size: 24px; line-height: 1.25; letter-spacing: -0.01em; text-wrap: balance; }
.prompt::before { content: "\\201C"; color: var(--accent); }
.prompt::after { content: "\\201D"; color: var(--accent); }
.about { display: grid; gap: 10px; align-content: start; min-width: 0; }
dt { color: var(--quiet); }
.facts { display: grid; grid-template-columns: auto 1fr; gap: 2px 12px; font-size: 12.5px; }
dd { overflow-wrap: anywhere; }
.results { list-style: none; display: grid; grid-template-columns: repeat(auto-fill, minmax(164px, 1fr)); gap: 14px; }
.card {
  background: var(--card); border: 1px solid var(--line); border-radius: 10px; overflow: hidden;
  display: grid; align-content: start; gap: 4px; padding-bottom: 10px;
}
.frame {
  aspect-ratio: var(--frame); background: var(--frame-ground); display: grid; place-items: center;
  overflow: hidden; container-type: size;
}
.query .frame { border-radius: 10px; border: 1px solid var(--line); }
.picture {
  position: relative; aspect-ratio: var(--ratio);
  width: min(100cqw, calc(100cqh * var(--ratio)));
}
.picture img { display: block; width: 100%; height: 100%; }
.box {
  position: absolute; border: 2px solid #fff; border-radius: 4px; box-shadow: 0 0 0 1px rgb(0 0 0 / 45%);
}
.missing { color: var(--quiet); font-size: 12px; border: 1px dashed var(--quiet); border-radius: 6px; padding: 6px 10px; }
.line { display: flex; gap: 8px; align-items: baseline; padding: 0 12px; min-width: 0; }
.card .frame + .line { margin-top: 6px; }
.rank { font-weight: 700; color: var(--accent); font-variant-numeric: tabular-nums; }
.card .name { color: var(--text); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.numbers { display: grid; grid-template-columns: 1fr 1fr; padding: 0 12px; font-variant-numeric: tabular-nums; }
.numbers dt { font-size: 11px; }
.chips { list-style: none; display: flex; flex-wrap: wrap; gap: 4px; padding: 4px 12px 0; }
.chips li { background: var(--chip); color: var(--chip-text); border-radius: 99px; padding: 1px 8px; font-size: 11.5px; }
.empty { color: var(--quiet); padding: 8px 0; }
footer { border-top: 1px solid var(--line); padding-top: 14px; color: var(--quiet); font-size: 12px; }
@media (max-width: 760px) {
  body { padding: 18px 16px 28px; }
  section { grid-template-columns: minmax(0, 1fr); gap: 18px; }
  .query { position: static; grid-template-columns: minmax(0, 5fr) minmax(0, 4fr); }
  .query h2, .query h2 + .about { grid-column: 1 / -1; }
  .results { grid-template-columns: repeat(auto-fill, minmax(140px, 1fr)); gap: 12px; }
}
@media print {
  .query { position: static; }
  .card { break-inside: avoid; }
}
`;
