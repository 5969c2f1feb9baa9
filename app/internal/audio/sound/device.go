package sound

import (
	"fmt"
	"strings"
)

// Fits tells whether a device is a microphone, or else whether it is a
// loudspeaker.
func (d *Device) Fits(input bool) bool {
	if input {
		return d.Inputs > 0
	}
	return d.Outputs > 0
}

// isDefault tells whether it is the one that is used when nobody chose.
func (d *Device) isDefault(input bool) bool {
	if input {
		return d.DefaultInput
	}
	return d.DefaultOutput
}

// Title is what to call a device when speaking to a person.
func (d *Device) Title() string {
	if d.Description != "" {
		return d.Description
	}
	return d.Name
}

// Kind is the word for a direction.
func Kind(input bool) string {
	if input {
		return "microphone"
	}
	return "loudspeaker"
}

// Pick finds the microphone, or else the loudspeaker, that a person means: the
// one of that name, the only one of that description, or the only one of which
// either contains it. No name stands for the default. Its errors are for a person.
func Pick(devices []Device, name string, input bool) (*Device, error) {
	if name == "" {
		return pickDefault(devices, input)
	}
	low := strings.ToLower(name)
	for i := range devices {
		if devices[i].Name == name && devices[i].Fits(input) {
			return &devices[i], nil
		}
	}
	for _, meant := range []func(*Device) bool{
		func(d *Device) bool { return d.Description == name },
		func(d *Device) bool {
			return strings.Contains(strings.ToLower(d.Name), low) || strings.Contains(strings.ToLower(d.Description), low)
		},
	} {
		var fit []*Device
		for i := range devices {
			if d := &devices[i]; d.Fits(input) && meant(d) {
				fit = append(fit, d)
			}
		}
		switch {
		case len(fit) == 1:
			return fit[0], nil
		case len(fit) > 1:
			return nil, fmt.Errorf("%q could be any of %d %ss: %s; give more of the name", name, len(fit), Kind(input), names(fit))
		}
	}
	return nil, fmt.Errorf("there is no %s %q now; «undertone devices» lists what there is", Kind(input), name)
}

func pickDefault(devices []Device, input bool) (*Device, error) {
	var first *Device
	for i := range devices {
		d := &devices[i]
		if d.Fits(input) && d.isDefault(input) {
			return d, nil
		}
		if first == nil && d.Fits(input) {
			first = d
		}
	}
	if first == nil {
		return nil, fmt.Errorf("no %s was found", Kind(input))
	}
	return first, nil
}

// names lists the first few.
func names(devices []*Device) string {
	const few = 5
	var all []string
	for i, d := range devices {
		if i == few {
			all = append(all, "…")
			break
		}
		all = append(all, d.Name)
	}
	return strings.Join(all, ", ")
}
