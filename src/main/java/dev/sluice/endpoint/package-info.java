/**
 * The only place that knows sockets and WebSockets: which are accepted, who may upgrade, bytes in, bytes out, close.
 *
 * <p><b>Owns</b> the socket of a connection and the WebSocket frames on it. It knows nothing of MQTT except the subprotocol's name.
 *
 * <p><b>Threads.</b> Everything of one connection happens on its event loop, on which {@link dev.sluice.broker.Connection} runs, too.
 *
 * <p><b>Start reading</b> at {@code Acceptance}, which gives each socket its place among {@code Sockets}; {@code UpgradeCheck} asks
 * {@code Peers} who is there, and {@code MqttEndpoint} hands it to {@code WebSocketFrames}.
 */
package dev.sluice.endpoint;
