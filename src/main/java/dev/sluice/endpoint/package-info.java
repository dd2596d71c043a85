/**
 * The only place that knows WebSockets: who may upgrade, bytes in, bytes out, close.
 *
 * <p><b>Owns</b> the socket of a connection and the WebSocket frames on it. It knows nothing of MQTT except the subprotocol's name.
 *
 * <p><b>Threads.</b> Everything of one connection happens on its event loop, on which {@link dev.sluice.broker.Connection} runs, too.
 *
 * <p><b>Start reading</b> at {@code UpgradeCheck} and {@code MqttEndpoint}, which hands an accepted socket to {@code WebSocketFrames}.
 */
package dev.sluice.endpoint;
