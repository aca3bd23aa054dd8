package traces

import (
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"tabe/adapters/store"
	"tabe/bot"
)

// The attributes of ours; those of HTTP are OpenTelemetry's.
const (
	channelKey     = attribute.Key("tabe.channel")
	duplicateKey   = attribute.Key("tabe.duplicate")
	topicKey       = attribute.Key("tabe.topic")
	confidenceKey  = attribute.Key("tabe.confidence")
	languageKey    = attribute.Key("tabe.language")
	flowKey        = attribute.Key("tabe.flow")
	stateKey       = attribute.Key("tabe.state")
	flowBeforeKey  = attribute.Key("tabe.flow.before")
	stateBeforeKey = attribute.Key("tabe.state.before")
	repliesKey     = attribute.Key("tabe.replies")
	attemptKey     = attribute.Key("tabe.attempt")
	resultKey      = attribute.Key("tabe.result")
	statusKey      = attribute.Key("tabe.status")
	codeKey        = attribute.Key("tabe.code")
)

// named leaves out what has no name.
func named(all ...attribute.KeyValue) []attribute.KeyValue {
	return slices.DeleteFunc(all, func(a attribute.KeyValue) bool { return a.Value.String() == "" })
}

func channel(c bot.ChannelID) attribute.KeyValue { return channelKey.String(string(c)) }

// Turned is for bot.Config.Observe.
func (t *Traces) Turned(told bot.Turned) {
	if t == nil {
		return
	}
	thought := told.Begun.Add(told.Thought)
	ended := thought.Add(told.Written)
	due := told.Begun.Add(-told.Waited)
	ctx, root := t.root(told.Seq, "notice", due, trace.SpanKindInternal, channel(told.Channel))
	if !root.IsRecording() {
		return
	}
	if told.Notice { // it came through no door
		root.End(trace.WithTimestamp(ended))
	}
	t.stage(ctx, "wait", due, told.Begun)
	ctx, turn := t.start(ctx, "turn", told.Begun, trace.SpanKindInternal, channel(told.Channel), languageKey.String(told.Language), repliesKey.Int(told.Replies))
	listened := told.Begun.Add(told.Listened)
	if told.Intent != "" {
		t.stage(ctx, "understand", told.Begun, listened, topicKey.String(told.Topic()), confidenceKey.Float64(told.Confidence))
	}
	_, flow := t.start(ctx, "flow", listened, trace.SpanKindInternal,
		named(flowKey.String(told.Flow), stateKey.String(told.State), flowBeforeKey.String(told.Before.Flow), stateBeforeKey.String(told.Before.State))...)
	if told.Failed {
		flow.SetStatus(codes.Error, "the flow failed")
	}
	flow.End(trace.WithTimestamp(thought))
	t.stage(ctx, "commit", thought, ended)
	turn.End(trace.WithTimestamp(ended))
}

// Attempted is for bot.Sender.Observe.
func (t *Traces) Attempted(told bot.Attempted) {
	if t == nil {
		return
	}
	ctx, sampled := t.within(store.Answered(told.ID))
	if !sampled {
		return
	}
	_, span := t.start(ctx, "send", told.Begun, trace.SpanKindClient, channel(told.Channel), attemptKey.Int(told.Attempt+1), resultKey.String(string(told.Result)))
	if told.Result != bot.Went {
		span.SetAttributes(codeKey.String(told.Code))
		span.SetStatus(codes.Error, told.Code)
	}
	span.End(trace.WithTimestamp(told.Begun.Add(told.Took)))
}

// Receipted is for store.Store.OnReceipt.
func (t *Traces) Receipted(told bot.Receipted) {
	if t == nil {
		return
	}
	ctx, sampled := t.within(store.Answered(told.ID))
	if !sampled {
		return
	}
	now := time.Now()
	_, span := t.start(ctx, "receipt", now, trace.SpanKindInternal, channel(told.Channel), statusKey.String(string(told.Status)))
	if told.Status == bot.Failed {
		span.SetAttributes(codeKey.String(told.Code))
		span.SetStatus(codes.Error, told.Code)
	}
	span.End(trace.WithTimestamp(now))
}
