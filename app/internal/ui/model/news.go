package model

import (
	"undertone/app/internal/phone"
	"undertone/app/internal/ui/words"
	"undertone/mixclient/call"
	"undertone/mixclient/half"
)

// newsOf says what happened, or nothing where the window shows it anyway.
func newsOf(e phone.Event) words.Message {
	switch e.Kind {
	case phone.Paired:
		if e.Changed {
			return words.M("news.changed", "name", e.Name)
		}
		if e.New {
			return words.M("news.introduced", "name", e.Name)
		}
		return words.M("news.paired", "name", e.Name)
	case phone.PairFailed:
		return words.M("news.unpaired", "name", e.Name)
	case phone.Ended:
		return ending(e)
	case phone.Came:
		return words.M("news.came", "name", e.Name)
	case phone.Left:
		return words.M("news.left", "name", e.Name)
	case phone.Online, phone.Offline, phone.Rings, phone.Accepted, phone.Connected, phone.VoiceHeard, phone.Alarmed:
	}
	return words.Message{}
}

// ending says how a call ended.
func ending(e phone.Event) words.Message {
	time := Clock(e.Talked)
	switch e.Outcome {
	case call.HungUp:
		if e.Talked == 0 {
			return words.M("end.gaveup", "name", e.Name)
		}
		return words.M("end.hungup", "name", e.Name, "time", time)
	case call.PeerHungUp:
		return words.M("end.they", "name", e.Name, "time", time)
	case call.NoAnswer:
		return words.M("end.noanswer", "name", e.Name)
	case call.Missed:
		return words.M("end.missed", "name", e.Name)
	case call.Rejected:
		return words.M("end.declined", "name", e.Name)
	case call.Lost:
		return words.M("end.lost", "name", e.Name)
	case call.ToldBusy:
		return words.M("end.busy", "name", e.Name)
	case call.ToldDeclined:
		return words.M("end.theydeclined", "name", e.Name)
	}
	return words.Message{}
}

// alarmed says what the server or a member does that none should.
func alarmed(a half.Alarm) words.Message {
	switch a {
	case half.Unsafe:
		return words.M("alarm.unsafe")
	case half.Equivocation:
		return words.M("alarm.equivocation")
	case half.Disruption:
		return words.M("alarm.disruption")
	}
	return words.Message{}
}
