"use strict";
// What the page does beyond its HTML: tables by pages, sorted and filtered; charts. Text only ever goes in as text.
(() => {
  const make = (tag, values = {}, ...inner) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(values))
      name in made ? (made[name] = value) : made.setAttribute(name, value);
    made.append(...inner);
    return made;
  };
  const count = (n) => n.toLocaleString("en-US");

  // A cell's own key, else its text; as a number where it is one.
  const key = (cell) => {
    const said = cell.dataset.key ?? cell.textContent.replace(/,(?=\d{3})/g, "");
    return said !== "" && !isNaN(said) ? Number(said) : said.toLowerCase();
  };
  const before = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });

  // Display other than that of a table takes its roles away, so they are said.
  const roles = (table) => {
    for (const [names, role] of [["table", "table"], ["thead,tbody", "rowgroup"], ["tr", "row"], ["th", "columnheader"], ["td", "cell"]])
      for (const one of names === "table" ? [table] : table.querySelectorAll(names)) one.setAttribute("role", role);
  };

  const tables = [], narrow = matchMedia("(max-width: 58rem)").matches;
  for (const table of document.querySelectorAll("table")) {
    roles(table);
    const body = table.tBodies[0], all = [...body.rows], heads = [...table.tHead.rows[0].cells];
    const name = table.caption.textContent, page = Number(table.dataset.page) || all.length;
    const size = narrow && page < all.length ? Math.min(page, 8) : page;
    if (all.length < 4) continue;
    let rows = all, at = 0;
    const where = make("span", { className: "where", role: "status" });
    const back = make("button", { type: "button", "aria-label": `Back: ${name}` }, "Back");
    const next = make("button", { type: "button", "aria-label": `Next: ${name}` }, "Next");
    const show = (most = 0) => {
      at = Math.max(0, Math.min(at, Math.ceil(rows.length / size) - 1));
      const begin = most ? 0 : at * size, end = Math.min(begin + (most || size), rows.length);
      body.replaceChildren(...rows.slice(begin, end)); // the others wait outside the page: it stays light
      where.textContent = rows.length ? `${count(begin + 1)} to ${count(end)} of ${count(rows.length)}` : "none";
      back.disabled = at === 0;
      next.disabled = (at + 1) * size >= rows.length;
    };
    const sort = (column, down) => {
      const keys = new Map(all.map((row) => [row, key(row.cells[column])]));
      const by = (a, b) => (down ? before(keys.get(b), keys.get(a)) : before(keys.get(a), keys.get(b)));
      const wanted = new Set(rows);
      rows = all.sort(by).filter((row) => wanted.has(row));
      heads.forEach((head, n) => (n === column ? head.setAttribute("aria-sort", down ? "descending" : "ascending") : head.removeAttribute("aria-sort")));
      at = 0;
      show();
    };
    const choice = make("select", {}, make("option", { value: "" }, "as it is"));
    heads.forEach((head, n) => {
      const title = head.textContent, first = head.classList.contains("n") || title.includes("everity");
      if (head.classList.contains("plain")) return;
      head.classList.add("sorts");
      head.append(make("button", { type: "button", "aria-label": `Sort by ${title}` }));
      head.addEventListener("click", () => sort(n, head.hasAttribute("aria-sort") ? head.getAttribute("aria-sort") === "ascending" : first));
      choice.append(make("option", { value: n }, title));
    });
    choice.addEventListener("change", () => choice.value !== "" && sort(Number(choice.value), heads[choice.value].classList.contains("n")));
    if (all.length > size) {
      const field = make("input", { type: "search", autocomplete: "off", "aria-label": `Filter: ${name}` });
      field.addEventListener("input", () => {
        const wanted = field.value.toLowerCase();
        rows = all.filter((row) => row.textContent.toLowerCase().includes(wanted));
        at = 0;
        show();
      });
      back.addEventListener("click", () => { at--; show(); });
      next.addEventListener("click", () => { at++; show(); });
      const tools = make("div", { className: "tools" }, make("label", {}, "Filter ", field),
        make("label", { className: "sort" }, "Sort by ", choice), where);
      // Where a table is a tall row of cards, its end is where the next page is wanted.
      if (narrow) table.after(make("div", { className: "tools" }, back, next));
      else tools.append(back, next);
      table.before(tools);
    }
    show();
    tables.push(show);
  }

  const data = JSON.parse(document.getElementById("data").textContent);
  const LEVELS = ["critical", "high", "medium", "low"];
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const colours = () => {
    const root = getComputedStyle(document.documentElement), of = (name) => root.getPropertyValue(`--${name}`).trim();
    const fills = ["none", "low", "medium", "high", "critical"].map((name) => of(`${name}-fill`));
    const texts = LEVELS.map(of);
    return { fills, texts, ink: of("ink"), soft: of("soft"), line: of("line"), paper: of("paper"), band: of("line") };
  };
  // Black or white, whichever is further from a colour. Source: WCAG 2.2, relative luminance.
  const on = (colour) => {
    const part = (at) => (parseInt(colour.slice(at, at + 2), 16) / 255) ** 2.2;
    return 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5) > 0.19 ? "#000000" : "#ffffff";
  };
  const plain = { animation: false, textStyle: { fontFamily: "system-ui, sans-serif" } };

  const short = (name) => name.replace(/^s3:\/\/|^file:\/\/(?=.)/, "");
  // The colours of the severities for risks of 90, 70, 40 and less, as in the tables.
  const like = (c, risk) => c.fills[risk >= 90 ? 4 : risk >= 70 ? 3 : risk >= 40 ? 2 : 1];
  const mapOf = (c) => {
    const leaf = (node, path) => {
      const fill = like(c, node.r), inner = node.c && node.c.length > 0;
      return {
        name: node.n, value: node.v, node, path, label: { color: on(fill) },
        itemStyle: inner ? { color: fill, borderColor: c.band, borderWidth: 3, gapWidth: 1 } : { color: fill, borderColor: c.paper, borderWidth: 0 },
        upperLabel: { show: inner },
        ...(inner ? { children: node.c.map((one) => leaf(one, `${path}${node.n}`.replace(/\/?$/, "/"))) } : {}),
      };
    };
    return {
      ...plain,
      series: [{
        type: "treemap", animation: false, data: data.map.map((node) => leaf(node, "")), roam: false, nodeClick: false, breadcrumb: { show: false },
        left: 0, right: 0, top: 0, bottom: 0, visibleMin: 20,
        label: { show: true, fontSize: 12, lineHeight: 15, overflow: "truncate", ellipsis: "…", padding: [3, 3], formatter: (p) => `${short(p.data.node.n)}\n${p.data.node.r}` },
        upperLabel: { show: false, height: 20, fontSize: 12, color: c.ink, overflow: "truncate", ellipsis: "…", padding: [0, 3], formatter: (p) => p.data.node.n },
        itemStyle: { borderWidth: 0, gapWidth: 2 },
        levels: [{ itemStyle: { borderWidth: 0, gapWidth: 2 } }, { itemStyle: { gapWidth: 1 } }],
        labelLayout: (p) => (p.rect.width < 36 || p.rect.height < 30 ? { x: -9e3, y: -9e3 } : {}), // no halves of names
        emphasis: { itemStyle: { borderColor: c.ink }, upperLabel: { show: false } },
      }],
    };
  };

  const lines = (c, series, legend) => ({
    ...plain,
    grid: { left: 8, right: 16, top: 14, bottom: 6, containLabel: true },
    tooltip: {
      trigger: "axis", renderMode: "richText", confine: true, backgroundColor: c.paper, borderColor: c.line,
      textStyle: { color: c.ink, fontSize: 12 },
      formatter: (points) => [`Run ${data.trend.runs[points[0].dataIndex]}, ${data.trend.dates[points[0].dataIndex]}`,
        ...points.map((p) => `${p.seriesName}: ${count(p.value)}`)].join("\n"),
    },
    xAxis: { type: "category", boundaryGap: false, data: data.trend.runs.map((run) => `${legend} ${run}`),
      axisLine: { lineStyle: { color: c.soft } }, axisLabel: { color: c.soft, hideOverlap: true } },
    yAxis: { type: "value", minInterval: 1, splitLine: { lineStyle: { color: c.line } },
      axisLabel: { color: c.soft, formatter: (v) => count(v) } },
    series: series.map(({ name, values, colour }) => ({
      type: "line", name, data: values, symbol: "circle", symbolSize: 6, showSymbol: values.length < 25,
      lineStyle: { color: colour, width: 2 }, itemStyle: { color: colour },
    })),
  });

  const charts = [];
  const draw = () => {
    const c = colours();
    for (const { chart, option } of charts) {
      chart.resize();
      chart.setOption(option(c), true);
      chart.getZr().flush(); // at once: paper does not wait for a frame
    }
  };
  const chart = (id, there, option) => {
    const place = document.getElementById(id);
    if (!place || !there) return null;
    place.classList.add("drawn");
    const made = echarts.init(place, null, { renderer: "svg" });
    charts.push({ chart: made, option });
    return made;
  };
  const map = chart("map", data.map.length > 0, mapOf);
  if (map) {
    const readout = document.getElementById("map-readout"), legend = [...readout.childNodes];
    map.on("mouseover", (p) => {
      const node = p.data && p.data.node;
      if (!node) return;
      const what = [`risk ${count(node.v)} added`, node.r ? `highest ${node.r}` : "", node.h ? `${count(node.h)} objects with ${count(node.f)} findings` : ""];
      readout.replaceChildren(make("b", {}, `${p.data.path}${node.n}`), ": " + what.filter(Boolean).join(", "));
    });
    map.on("globalout", () => readout.replaceChildren(...legend));
  }
  const level = (n) => ({ name: LEVELS[n], values: data.trend.findings[n] });
  const shown = [0, 1, 2, 3].filter((n) => (data.trend.findings[n] || []).some((v) => v > 0));
  chart("trend-findings", shown.length > 0, (c) => lines(c, shown.map((n) => ({ ...level(n), colour: c.texts[n] })), "run"));
  chart("trend-risk", data.trend.points.length > 1, (c) => lines(c, [{ name: "risk", values: data.trend.points, colour: c.ink }], "run"));
  draw();
  dark.addEventListener("change", draw);
  let waiting = 0;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(() => charts.forEach((one) => one.chart.resize()), 100); });
  // On paper: more rows, in the order on the screen, and charts in the colours of paper.
  const PRINTED = 30, root = document.documentElement;
  addEventListener("beforeprint", () => {
    root.classList.add("paper");
    tables.forEach((show) => show(PRINTED));
    draw();
  });
  addEventListener("afterprint", () => {
    root.classList.remove("paper");
    tables.forEach((show) => show());
    draw();
  });
  root.dataset.ready = "yes";
})();
