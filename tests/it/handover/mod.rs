//! Handover from the robot to an agent.

mod automatic;
mod on_request;
mod robot_silence;
mod staffing;
mod two_writers;
