// Places the units of a run in layers from left to right, so that rows flow to the right and few edges cross.
// After Sugiyama, Tagawa and Toda (1981): longest paths give the layers, edges over several layers get a place in each
// of them, medians of neighbours the order within a layer.

const sweeps = 6;

/**
 * `count` units with `edges` [{ from, to }], whose ends are indices; without cycles. `size` is { width, height, across,
 * down }: of a unit, and the gaps between layers and between units. Gives { places: [{ x, y, layer, row }], lines: [[{ x, y }, ...]]
 * in the order of `edges`, layers: [[index]], width, height }.
 */
export function layOut(count, edges, size) {
  const layer = layersOf(count, edges);
  const { nodes, links, chains } = withBends(count, edges, layer);
  const layers = orderOf(nodes, links);
  const y = rowsOf(layers, links, nodes, size);
  const top = Math.min(0, ...y);
  const x = (at) => at * (size.width + size.across);
  const units = layers.map((all) => all.filter((node) => node < count));
  const places = Array.from({ length: count }, (_, index) => ({ x: x(layer[index]), y: y[index] - top, layer: layer[index], row: 0 }));
  for (const all of units) all.forEach((index, row) => (places[index].row = row));
  const lines = edges.map((edge, index) => {
    const points = [{ x: x(layer[edge.from]) + size.width, y: places[edge.from].y + size.height / 2 }];
    for (const bend of chains[index]) {
      const middle = y[bend] - top + size.height / 2;
      points.push({ x: x(nodes[bend].layer), y: middle }, { x: x(nodes[bend].layer) + size.width, y: middle });
    }
    points.push({ x: x(layer[edge.to]), y: places[edge.to].y + size.height / 2 });
    return points;
  });
  return {
    places,
    lines,
    layers: units,
    width: count === 0 ? 0 : Math.max(...places.map((place) => place.x)) + size.width,
    height: count === 0 ? 0 : Math.max(...places.map((place) => place.y)) + size.height,
  };
}

/** The longest way from a beginning; units without inputs that feed a late one move up to it. */
function layersOf(count, edges) {
  const after = Array.from({ length: count }, () => []);
  const before = new Array(count).fill(0);
  for (const { from, to } of edges) {
    after[from].push(to);
    before[to] += 1;
  }
  const layer = new Array(count).fill(0);
  const open = before.flatMap((inputs, index) => (inputs === 0 ? [index] : []));
  const first = new Set(open);
  for (let at = 0; at < open.length; ++at) {
    for (const to of after[open[at]]) {
      layer[to] = Math.max(layer[to], layer[open[at]] + 1);
      before[to] -= 1;
      if (before[to] === 0) open.push(to);
    }
  }
  for (const index of first) {
    if (after[index].length > 0) layer[index] = Math.min(...after[index].map((to) => layer[to])) - 1;
  }
  return layer;
}

/** Adds a node for each layer that an edge passes. */
function withBends(count, edges, layer) {
  const nodes = layer.map((at) => ({ layer: at }));
  const links = nodes.map(() => ({ before: [], after: [] }));
  const connect = (from, to) => {
    links[from].after.push(to);
    links[to].before.push(from);
  };
  const chains = edges.map(({ from, to }) => {
    const chain = [];
    let last = from;
    for (let at = layer[from] + 1; at < layer[to]; ++at) {
      nodes.push({ layer: at, bend: true });
      links.push({ before: [], after: [] });
      connect(last, nodes.length - 1);
      last = nodes.length - 1;
      chain.push(last);
    }
    connect(last, to);
    return chain;
  });
  return { nodes, links, chains };
}

function median(values) {
  if (values.length === 0) return null;
  values.sort((one, other) => one - other);
  const middle = values.length >> 1;
  return values.length % 2 === 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

/** The nodes of each layer in an order that few edges cross. */
function orderOf(nodes, links) {
  const layers = [];
  nodes.forEach((node, index) => (layers[node.layer] ??= []).push(index));
  for (let at = 0; at < layers.length; ++at) layers[at] ??= [];
  const place = new Array(nodes.length);
  const note = (layer) => layer.forEach((node, row) => (place[node] = row));
  layers.forEach(note);
  for (let sweep = 0; sweep < sweeps; ++sweep) {
    const down = sweep % 2 === 0;
    for (const layer of down ? layers : [...layers].reverse()) {
      const wanted = new Map(layer.map((node) => {
        const neighbours = down ? links[node].before : links[node].after;
        return [node, median(neighbours.map((other) => place[other])) ?? place[node]];
      }));
      layer.sort((one, other) => wanted.get(one) - wanted.get(other) || place[one] - place[other]);
      note(layer);
    }
  }
  return layers;
}

/** How far down each node is: beside its neighbours where there is room. */
function rowsOf(layers, links, nodes, size) {
  const y = new Array(nodes.length).fill(0);
  const room = (node) => (nodes[node].bend ? size.down * 1.5 : size.height + size.down);
  for (const layer of layers) {
    let at = 0;
    for (const node of layer) {
      y[node] = at;
      at += room(node);
    }
  }
  for (let sweep = 0; sweep < sweeps; ++sweep) {
    const down = sweep % 2 === 0;
    for (const layer of down ? layers : [...layers].reverse()) {
      const wanted = layer.map((node) => median((down ? links[node].before : links[node].after).map((other) => y[other])) ?? y[node]);
      settle(layer, wanted, y, room);
    }
  }
  return y;
}

/** Gives each node of a layer the place it wants; those that want the same share it around its middle. */
function settle(layer, wanted, y, room) {
  const groups = []; // { nodes, sum: of what their first wants, height }
  layer.forEach((node, index) => {
    let group = { nodes: [node], sum: wanted[index], height: room(node) };
    for (let last = groups.at(-1); last && last.sum / last.nodes.length + last.height > group.sum / group.nodes.length; last = groups.at(-1)) {
      groups.pop();
      group = {
        nodes: last.nodes.concat(group.nodes),
        sum: last.sum + group.sum - group.nodes.length * last.height,
        height: last.height + group.height,
      };
    }
    groups.push(group);
  });
  for (const group of groups) {
    let at = group.sum / group.nodes.length;
    for (const node of group.nodes) {
      y[node] = at;
      at += room(node);
    }
  }
}
