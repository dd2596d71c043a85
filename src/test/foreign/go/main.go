// One client of paho.mqtt.golang (MQTT 3.1.1) or autopaho (MQTT 5); README.md of the folder above says what it reads and writes.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
	mqtt "github.com/eclipse/paho.mqtt.golang"
)

const patience = 300 * time.Second

type command struct {
	Do, Id, Library, Will, Filter, Topic, Payload string
	Port, Count                                   int
	Qos                                           byte
	Persistent, Retain                            bool
}

type client interface {
	connect(c command) (bool, error)
	subscribe(filter string, qos byte) (byte, error)
	unsubscribe(filter string) error
	publish(topic, payload string, qos byte, retain bool) error
	disconnect() error
}

var lock sync.Mutex

func say(line map[string]any) {
	text, _ := json.Marshal(line)
	lock.Lock()
	defer lock.Unlock()
	fmt.Println(string(text))
}

func heard(topic string, payload []byte, qos byte, retain bool) {
	say(map[string]any{"topic": topic, "payload": string(payload), "qos": qos, "retain": retain})
}

// golang3 is paho.mqtt.golang.
type golang3 struct{ client mqtt.Client }

func done(token mqtt.Token) error {
	if !token.WaitTimeout(patience) {
		return fmt.Errorf("no answer")
	}
	return token.Error()
}

func (g *golang3) connect(c command) (bool, error) {
	options := mqtt.NewClientOptions().AddBroker(fmt.Sprintf("ws://127.0.0.1:%d/mqtt", c.Port)).
		SetClientID(c.Id).SetProtocolVersion(4).SetCleanSession(!c.Persistent).SetMaxReconnectInterval(2 * time.Second).
		SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { heard(m.Topic(), m.Payload(), m.Qos(), m.Retained()) })
	if c.Will != "" {
		options.SetWill(c.Will, c.Id, 1, false)
	}
	g.client = mqtt.NewClient(options)
	token := g.client.Connect()
	err := done(token)
	return token.(*mqtt.ConnectToken).SessionPresent(), err
}

func (g *golang3) subscribe(filter string, qos byte) (byte, error) {
	token := g.client.Subscribe(filter, qos, nil)
	err := done(token)
	return token.(*mqtt.SubscribeToken).Result()[filter], err
}

func (g *golang3) unsubscribe(filter string) error { return done(g.client.Unsubscribe(filter)) }

func (g *golang3) publish(topic, payload string, qos byte, retain bool) error {
	return done(g.client.Publish(topic, qos, retain, payload))
}

func (g *golang3) disconnect() error {
	g.client.Disconnect(200)
	return nil
}

// autopaho5 is autopaho; what it is given to publish waits in its memory until the server has acknowledged it.
type autopaho5 struct{ client *autopaho.ConnectionManager }

func within() (context.Context, context.CancelFunc) { return context.WithTimeout(context.Background(), patience) }

func (a *autopaho5) connect(c command) (bool, error) {
	server, _ := url.Parse(fmt.Sprintf("ws://127.0.0.1:%d/mqtt", c.Port))
	present := make(chan bool, 100)
	config := autopaho.ClientConfig{
		ServerUrls: []*url.URL{server}, KeepAlive: 30, CleanStartOnInitialConnection: !c.Persistent,
		ReconnectBackoff: func(int) time.Duration { return time.Second },
		OnConnectionUp:   func(_ *autopaho.ConnectionManager, ack *paho.Connack) { present <- ack.SessionPresent },
		ClientConfig: paho.ClientConfig{ClientID: c.Id, PacketTimeout: patience,
			OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
				heard(p.Packet.Topic, p.Packet.Payload, p.Packet.QoS, p.Packet.Retain)
				return true, nil
			}}},
	}
	if c.Persistent {
		config.SessionExpiryInterval = 3600
	}
	if c.Will != "" {
		config.WillMessage = &paho.WillMessage{Topic: c.Will, Payload: []byte(c.Id), QoS: 1}
	}
	var err error
	if a.client, err = autopaho.NewConnection(context.Background(), config); err != nil {
		return false, err
	}
	select {
	case was := <-present:
		return was, nil
	case <-time.After(patience):
		return false, fmt.Errorf("not connected")
	}
}

func (a *autopaho5) subscribe(filter string, qos byte) (byte, error) {
	ctx, cancel := within()
	defer cancel()
	ack, err := a.client.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: filter, QoS: qos}}})
	if err != nil {
		return 0x80, err
	}
	return ack.Reasons[0], nil
}

func (a *autopaho5) unsubscribe(filter string) error {
	ctx, cancel := within()
	defer cancel()
	_, err := a.client.Unsubscribe(ctx, &paho.Unsubscribe{Topics: []string{filter}})
	return err
}

func (a *autopaho5) publish(topic, payload string, qos byte, retain bool) error {
	ctx, cancel := within()
	defer cancel()
	message := &paho.Publish{Topic: topic, Payload: []byte(payload), QoS: qos, Retain: retain}
	for {
		if err := a.client.AwaitConnection(ctx); err != nil {
			return err
		}
		// An error says that the connection ended first: the application publishes again.
		if _, err := a.client.Publish(ctx, message); err == nil || ctx.Err() != nil {
			return err
		}
	}
}

func (a *autopaho5) disconnect() error {
	ctx, cancel := within()
	defer cancel()
	return a.client.Disconnect(ctx)
}

// burst gives all messages to the library at once; returns how many were acknowledged.
func burst(of client, c command) int {
	var all sync.WaitGroup
	var acknowledged int
	var count sync.Mutex
	for number := range c.Count {
		all.Add(1)
		go func() {
			defer all.Done()
			if of.publish(c.Topic, strconv.Itoa(number), c.Qos, false) == nil {
				count.Lock()
				acknowledged++
				count.Unlock()
			}
		}()
	}
	all.Wait()
	return acknowledged
}

func main() {
	var it client
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c command
		json.Unmarshal(lines.Bytes(), &c)
		var ok any = 0
		var err error
		switch c.Do {
		case "connect":
			if it = (&golang3{}); c.Library == "autopaho-5" {
				it = &autopaho5{}
			}
			ok, err = it.connect(c)
		case "subscribe":
			ok, err = it.subscribe(c.Filter, c.Qos)
		case "unsubscribe":
			err = it.unsubscribe(c.Filter)
		case "publish":
			err = it.publish(c.Topic, c.Payload, c.Qos, c.Retain)
		case "burst":
			ok = burst(it, c)
		case "disconnect":
			err = it.disconnect()
		}
		if err != nil {
			say(map[string]any{"error": err.Error()})
		} else {
			say(map[string]any{"ok": ok})
		}
	}
	it.disconnect()
}
