// Socket.IO's server and a plain one on `ws`, told by lines on stdin what to publish, as farm_server.py is.
//
//     node rivals.js socket.io|ws       with NODE_PATH naming where the packages are
"use strict";
const http = require("http");
const { performance } = require("perf_hooks");
const readline = require("readline");

const server = http.createServer((request, response) => response.end("ok"));

function socketIo() {
  const { Server } = require("socket.io");
  const io = new Server(server, { transports: ["websocket"], serveClient: false });
  io.on("connection", (socket) => socket.join("queue"));
  return {
    emit: (event) => io.to("queue").emit("event", event),
    clients: () => io.engine.clientsCount,
  };
}

function plain() {
  const { WebSocketServer } = require("ws");
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  return {
    emit: (event) => {
      const text = JSON.stringify(event);
      for (const socket of sockets.clients) socket.send(text);
    },
    clients: () => sockets.clients.size,
  };
}

const rival = process.argv[2] === "ws" ? plain() : socketIo();

function say(answer) {
  process.stdout.write(JSON.stringify(answer) + "\n");
}

function cpuSeconds() {
  const used = process.cpuUsage();
  return (used.user + used.system) / 1e6;
}

// The clock that Python calls perf_counter: time of day is put right now and then, by milliseconds at once.
function now() {
  const [s, ns] = process.hrtime();
  return s + ns / 1e9;
}

function publish({ do: what, rate, seconds, bytes, settle_s }) {
  const pad = "x".repeat(bytes ?? 0);
  const make = what === "publish" ? (n) => rival.emit({ n, at: now(), pad }) : () => {};
  const before = cpuSeconds();
  const begun = performance.now();
  const total = Math.round(rate * seconds);
  let sent = 0;
  const next = () => {
    while (sent < total && performance.now() - begun >= (sent / rate) * 1000) {
      make(sent);
      sent += 1;
    }
    if (sent < total) setTimeout(next, (sent / rate) * 1000 - (performance.now() - begun));
    else setTimeout(() => say({ sent, cpu_s: cpuSeconds() - before }), settle_s * 1000);
  };
  next();
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const order = JSON.parse(line);
  if (["publish", "keep_pace"].includes(order.do)) publish(order);
  else say({ clients: rival.clients(), rss_mb: process.memoryUsage().rss / 1e6 });
}).on("close", () => process.exit(0));

server.listen({ port: 0, host: "127.0.0.1", backlog: 1024 }, () => say({ port: server.address().port, token: "" }));
