# trellis_actor(): written in actors/
